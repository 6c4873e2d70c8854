// A wpa_supplicant of our own: started with a configuration that we write, stopped by its process id.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "camvault/network/control_socket.h"
#include "camvault/network/supplicant_config.h"
#include "camvault/process/child_process.h"

namespace camvault::network {

struct SupplicantOptions {
  std::filesystem::path program = "/sbin/wpa_supplicant";
  std::string interface;                 // "eth0"
  bool wifi = false;                     // nl80211; else wired
  std::filesystem::path folder;          // made with mode 0700 if missing: configuration, control socket
  std::filesystem::path log;             // empty: our standard error
  std::vector<std::string> environment;  // PKCS11_MODULE_PATH, CAMVAULT_KEYSTORE_ROOT
};

// Thread-confined.
class Supplicant {
 public:
  // Writes the configuration atomically, starts the program and waits until it answers. Errc::unavailable
  // with its last words if it does not.
  static Result<Supplicant> start(const SupplicantOptions& options, const SupplicantConfig& config);
  ~Supplicant();
  Supplicant(Supplicant&&) noexcept = default;
  Supplicant& operator=(Supplicant&&) noexcept = default;

  // Writes another configuration and has it read: what was connected is not any more.
  Status reconfigure(const SupplicantConfig& config);

  bool alive() { return child_.alive(); }
  pid_t pid() const { return child_.pid(); }
  ControlSocket& control() { return *control_; }
  ControlSocket& events() { return *events_; }

 private:
  Supplicant() = default;
  SupplicantOptions options_;
  process::ChildProcess child_;
  std::unique_ptr<ControlSocket> control_;
  std::unique_ptr<ControlSocket> events_;
};

}  // namespace camvault::network

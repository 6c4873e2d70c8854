// A SoftHSM2 token of a test's own, in a private folder; and the same behind p11-kit's server, which can
// vanish and come back as a token on a cable does.
#pragma once

#include <cstdlib>

#include "camvault/test_support/background_program.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::test_support {

class SoftToken {
 public:
  static constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
  static bool is_installed() { return ::access(kModule, R_OK) == 0 && has_program("softhsm2-util"); }

  explicit SoftToken(const std::filesystem::path& folder, const std::string& label = "camera")
      : folder_(folder), label_(label) {
    std::filesystem::create_directories(folder_ / "tokens");
    write("softhsm2.conf", "directories.tokendir = " + (folder_ / "tokens").string() +
                               "\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n");
    write("pin", "camera-pin-1\n");
    const auto made = run_program({"env", configuration(), "softhsm2-util", "--init-token", "--free",
                                   "--label", label_, "--pin", "camera-pin-1", "--so-pin", "owner-pin-1"});
    if (made.exit_code != 0) throw std::runtime_error("softhsm2-util: " + made.output);
  }

  std::string configuration() const { return "SOFTHSM2_CONF=" + (folder_ / "softhsm2.conf").string(); }
  std::string uri() const { return "pkcs11:token=" + label_; }
  std::filesystem::path pin_file() const { return folder_ / "pin"; }
  std::filesystem::path folder() const { return folder_; }
  void write(const std::string& name, const std::string& content) const {
    if (!write_file_atomically(folder_ / name, as_bytes(content), 0600))
      throw std::runtime_error("write " + name);
  }

 private:
  std::filesystem::path folder_;
  std::string label_;
};

// `p11-kit server` in front of a token.
class RemoteToken {
 public:
  static constexpr const char* kModule = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so";
  static bool is_installed() {
    return SoftToken::is_installed() && ::access(kModule, R_OK) == 0 && has_program("p11-kit");
  }

  explicit RemoteToken(const SoftToken& token) : token_(token) { come_back(); }
  ~RemoteToken() { vanish(); }
  RemoteToken(const RemoteToken&) = delete;
  RemoteToken& operator=(const RemoteToken&) = delete;

  std::filesystem::path socket() const { return token_.folder() / "p11"; }
  std::string environment() const { return "P11_KIT_SERVER_ADDRESS=unix:path=" + socket().string(); }
  void vanish() {
    server_.stop(SIGKILL);
    std::filesystem::remove(socket());
  }
  void come_back() {
    server_ = BackgroundProgram({"p11-kit", "server", "--foreground", "--provider", SoftToken::kModule,
                                 "--name", socket().string(), token_.uri()},
                                token_.folder() / "p11-kit.log", {token_.configuration()});
    if (!wait_for_listener(socket())) throw std::runtime_error("p11-kit server did not start");
  }
  const BackgroundProgram& program() const { return server_; }

 private:
  SoftToken token_;
  BackgroundProgram server_;
};

}  // namespace camvault::test_support

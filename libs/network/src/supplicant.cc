#include "camvault/network/supplicant.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "camvault/base/file.h"
#include "camvault/network/link.h"

namespace camvault::network {

namespace {
namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartPatience{
    60};  // one that ends is noticed at once; slow machines are slow

fs::path config_file(const SupplicantOptions& options) {
  return options.folder / (options.interface + ".conf");
}

Status write_config(const SupplicantOptions& options, const SupplicantConfig& config) {
  CAM_TRY(const auto text, render_supplicant_config(config));
  return write_file_atomically(config_file(options), as_bytes(text), 0600);
}

Result<std::unique_ptr<ControlSocket>> answering(const fs::path& path) {
  CAM_TRY(auto socket, ControlSocket::connect(path));
  CAM_TRY(const auto answer, socket.request("PING", std::chrono::seconds(1)));
  if (answer != "PONG") return fail(Errc::unavailable, "wpa_supplicant answers otherwise than expected");
  return std::make_unique<ControlSocket>(std::move(socket));
}

Result<UniqueFd> open_log(const fs::path& path) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return fail(Errc::io, path.string() + ": " + errno_text(errno));
  return fd;
}
}  // namespace

Result<Supplicant> Supplicant::start(const SupplicantOptions& options, const SupplicantConfig& config) {
  if (!is_interface_name(options.interface)) return fail(Errc::usage, "not the name of a network interface");
  std::error_code error;
  fs::create_directories(options.folder, error);
  // The folder is the access right to the control socket.
  if (error || chmod(options.folder.c_str(), 0700) != 0)
    return fail(Errc::io, options.folder.string() +
                              " cannot be made: " + (error ? error.message() : errno_text(errno)));
  CAM_TRY_STATUS(write_config(options, config));

  const auto socket_path = config.control_folder / options.interface;
  if (answering(socket_path))
    return fail(Errc::exists, "another wpa_supplicant is at work on " + options.interface);
  fs::remove(socket_path, error);  // of one that was killed: it would not start

  process::ChildProcess::Start start;
  // -t: times in its log, which may lie beside a camera whose clock is set meanwhile.
  start.arguments = {options.program.string(),
                     "-t",
                     "-D",
                     options.wifi ? "nl80211" : "wired",
                     "-i",
                     options.interface,
                     "-c",
                     config_file(options).string()};
  start.environment = options.environment;
  UniqueFd log;
  if (!options.log.empty()) {
    CAM_TRY(log, open_log(options.log));
    start.standard_output = start.standard_error = log.get();
  }
  Supplicant supplicant;
  supplicant.options_ = options;
  CAM_TRY(supplicant.child_, process::ChildProcess::start(start));
  const auto deadline = SteadyClock::now() + kStartPatience;
  for (;;) {
    if (auto socket = answering(socket_path)) {
      supplicant.control_ = std::move(*socket);
      break;
    }
    if (!supplicant.child_.alive())
      return fail(Errc::unavailable,
                  "wpa_supplicant ended at once" +
                      (options.log.empty() ? std::string() : " (see " + options.log.string() + ")"));
    if (SteadyClock::now() > deadline) return fail(Errc::unavailable, "wpa_supplicant does not answer");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CAM_TRY(supplicant.events_, answering(socket_path));
  CAM_TRY_STATUS(supplicant.events_->attach());
  return supplicant;
}

Supplicant::~Supplicant() {
  if (child_.running() && control_ != nullptr) {
    // Says good-bye to the switch (EAPOL-Logoff), which SIGTERM alone does as well on most drivers.
    static_cast<void>(control_->command("TERMINATE", std::chrono::milliseconds(500)));
  }
  child_.stop();
}

Status Supplicant::reconfigure(const SupplicantConfig& config) {
  CAM_TRY_STATUS(write_config(options_, config));
  return control_->command("RECONFIGURE");
}

}  // namespace camvault::network

// A TPM 2.0 in software (swtpm) of a test's own, on a private Unix socket, with its state in a private
// folder.
#pragma once

#include "camvault/test_support/background_program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::test_support {

class SoftTpm {
 public:
  static bool is_installed() { return has_program("swtpm"); }

  explicit SoftTpm(const std::filesystem::path& folder) : folder_(folder) {
    std::filesystem::create_directories(folder_ / "state");
    start();
  }
  ~SoftTpm() { stop(); }
  SoftTpm(const SoftTpm&) = delete;
  SoftTpm& operator=(const SoftTpm&) = delete;

  std::filesystem::path socket() const { return folder_ / "tpm"; }
  std::string tcti() const { return "swtpm:path=" + socket().string(); }

  // As when the power goes: nothing is written on the way. TPM2_Startup(CLEAR) follows at start().
  void stop(int signal = SIGKILL) {
    program_.stop(signal);
    std::filesystem::remove(socket());
    std::filesystem::remove(socket().string() + ".ctrl");
  }
  void start() {
    program_ = BackgroundProgram(
        {"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + (folder_ / "state").string(), "--server",
         "type=unixio,path=" + socket().string(), "--ctrl", "type=unixio,path=" + socket().string() + ".ctrl",
         "--flags", "not-need-init,startup-clear"},
        folder_ / "swtpm.log");
    if (!wait_for_listener(socket()) || !wait_for_listener(socket().string() + ".ctrl"))
      throw std::runtime_error("swtpm did not start");
  }
  const BackgroundProgram& program() const { return program_; }

 private:
  std::filesystem::path folder_;
  BackgroundProgram program_;
};

}  // namespace camvault::test_support

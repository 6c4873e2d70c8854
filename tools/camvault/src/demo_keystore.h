// A keystored of the demo's own: configured for one application, in a private folder, stopped with the demo.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "camvault/process/child_process.h"

namespace camvault::cli {

// What holds the camera's keys in the demo. All but the first are programs that play a module.
enum class DemoBackend { software, tpm2, pkcs11, se05x };
inline constexpr const char* kDemoBackends[] = {"software", "tpm2", "pkcs11", "se05x"};
Result<DemoBackend> demo_backend_from_string(const std::string& text);
std::string describe(DemoBackend backend);  // in words, with what is simulated

class DemoKeystore {
 public:
  // `program`: camvault's own path; keystored stands beside it. Returns when the daemon answers. A simulated
  // module is started in the same private folder. Errc::unavailable if its program is not installed.
  static Result<DemoKeystore> start(const std::filesystem::path& program, const std::filesystem::path& root,
                                    const std::string& application,
                                    DemoBackend backend = DemoBackend::software);

  std::string text() const { return "process " + std::to_string(pid_); }
  void stop() {
    child_.stop();
    module_.stop();
  }

 private:
  process::ChildProcess module_;  // the simulated TPM or secure element, if any
  process::ChildProcess child_;
  pid_t pid_ = -1;
};

}  // namespace camvault::cli

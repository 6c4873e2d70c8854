// A keystored of the demo's own: configured for one application, in a private folder, stopped with the demo.
#pragma once

#include <filesystem>
#include <string>

#include "child_process.h"

namespace camvault::cli {

class DemoKeystore {
 public:
  // `program`: camvault's own path; keystored stands beside it. Returns when the daemon answers.
  static Result<DemoKeystore> start(const std::filesystem::path& program, const std::filesystem::path& root,
                                    const std::string& application);

  std::string text() const { return "process " + std::to_string(pid_); }
  void stop() { child_.stop(); }

 private:
  ChildProcess child_;
  pid_t pid_ = -1;
};

}  // namespace camvault::cli

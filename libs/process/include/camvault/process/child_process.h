// Programs that we start: they die with us, are stopped by their process id, and waited for.
#pragma once

#include <sys/types.h>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "camvault/base/file.h"

namespace camvault::process {

class ChildProcess {
 public:
  struct Start {
    std::vector<std::string> arguments;    // [0] is the program's path
    std::vector<std::string> environment;  // "NAME=value": beside ours, or in its place
    int standard_output = -1;              // -1: ours
    int standard_error = -1;               // -1: ours
    int ready_fd = -1;                     // stays open in the child under the same number
  };
  static Result<ChildProcess> start(const Start& start);

  ChildProcess() = default;
  ~ChildProcess() { stop(); }
  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  // False once it has ended; it is then waited for.
  bool alive();
  // Waits for its end: the exit code, or 128 + the signal that ended it. When a signal handler sets
  // `*stop_when`, the child is asked to end (SIGTERM) and still waited for.
  int wait(const volatile std::sig_atomic_t* stop_when = nullptr);
  // SIGTERM, and SIGKILL after `patience`.
  void stop(std::chrono::milliseconds patience = std::chrono::seconds(3));

 private:
  pid_t pid_ = -1;
};

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};
Result<Pipe> make_pipe();  // both ends close on exec

// Runs a program to its end and collects what it prints to standard output, at most `limit` bytes.
struct Finished {
  int exit_code = 0;
  std::string output;
};
Result<Finished> run_and_capture(const std::vector<std::string>& arguments,
                                 const volatile std::sig_atomic_t* stop_when, std::size_t limit = 64u << 20);

}  // namespace camvault::process

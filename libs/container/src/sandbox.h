// A child process that can compute and talk through the descriptors it was given, and do nothing else: no
// files, no network, no processes, no signals (seccomp), bounded memory and processor time (rlimits).
// Whatever large C code is made to do by hostile input inside, it does to itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "camvault/base/file.h"

namespace camvault::container {

struct SandboxLimits {
  std::chrono::seconds processor_time{600};
  std::size_t memory = std::size_t{768} << 20;  // beyond what the caller has when it forks
};

class SandboxedChild {
 public:
  struct Descriptors {
    int input = -1;  // a file the child may read, or -1
    int from_parent = -1;
    int to_parent = -1;
  };

  // Forks and runs `work` in the child; its return value is the exit status (0 to 125). `input` may be -1. In
  // a program with threads `work` must not need a lock that another thread can hold at this moment:
  // allocation is fine, a library that other threads use right now is not.
  static Result<SandboxedChild> start(int input, const SandboxLimits& limits,
                                      const std::function<int(const Descriptors&)>& work);
  ~SandboxedChild();  // kills it
  SandboxedChild(SandboxedChild&& other) noexcept;
  SandboxedChild& operator=(SandboxedChild&& other) noexcept;
  SandboxedChild(const SandboxedChild&) = delete;
  SandboxedChild& operator=(const SandboxedChild&) = delete;

  // Up to `size` bytes from the child; 0 at the end. Errc::limit when nothing comes in time.
  Result<std::size_t> read_some(std::uint8_t* data, std::size_t size, std::chrono::milliseconds patience);
  Status read_exactly(std::uint8_t* data, std::size_t size, std::chrono::milliseconds patience);
  Status write_all(BytesView bytes, std::chrono::milliseconds patience);
  void close_input();  // the child reads an end of file

  // Waits for the child after its last byte. Says how it ended: an exit status, or why it was stopped.
  Result<int> wait(std::chrono::milliseconds patience);

 private:
  SandboxedChild() = default;
  void stop();

  pid_t pid_ = -1;
  UniqueFd from_child_;
  UniqueFd to_child_;
};

// For the child: whole writes and reads. False when the other side is gone.
bool child_write(int fd, BytesView bytes);
bool child_read(int fd, std::uint8_t* data, std::size_t size);

}  // namespace camvault::container

// A program that runs beside a test: ended by its process id, with the processes that it started, and with
// the test.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "camvault/base/file.h"

namespace camvault::test_support {

class BackgroundProgram {
 public:
  BackgroundProgram() = default;
  // `arguments[0]` is looked up in PATH; `log` gets both outputs; `environment`: "NAME=value", added to ours.
  BackgroundProgram(const std::vector<std::string>& arguments, const std::filesystem::path& log,
                    const std::vector<std::string>& environment = {}) {
    std::vector<char*> argv;
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const auto parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
      ::setpgid(0, 0);  // what it starts belongs to its group, and ends with it
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(127);
      const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      const int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      ::dup2(in, 0);
      ::dup2(out, 1);
      ::dup2(out, 2);
      for (const auto& variable : environment) ::putenv(const_cast<char*>(variable.c_str()));
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~BackgroundProgram() { stop(SIGKILL); }
  BackgroundProgram(BackgroundProgram&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  BackgroundProgram& operator=(BackgroundProgram&& other) noexcept {
    stop(SIGKILL);
    pid_ = std::exchange(other.pid_, -1);
    return *this;
  }
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  // To what it has started, too.
  void signal_all(int number) const {
    if (pid_ > 0) ::kill(-pid_, number);
  }
  void stop(int number = SIGTERM) {
    if (pid_ <= 0) return;
    ::setpgid(pid_, pid_);  // in case it did not get to it yet
    ::kill(-pid_, number);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

// False if it is not there within ten seconds.
inline bool wait_for_path(const std::filesystem::path& path) {
  for (int i = 0; i < 1000; ++i) {
    if (std::filesystem::exists(path)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// Whether somebody listens at a Unix socket, without connecting to it: proc(5), /proc/net/unix, __SO_ACCEPTCON.
inline bool is_listened_at(const std::filesystem::path& path) {
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);) {
    if (line.ends_with(" " + path.string()) && line.find(" 00010000 ") != std::string::npos) return true;
  }
  return false;
}

// As wait_for_path, for a socket that somebody listens at: its path is there a little earlier.
inline bool wait_for_listener(const std::filesystem::path& path) {
  for (int i = 0; i < 1000; ++i) {
    if (is_listened_at(path)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// True if PATH has the program.
inline bool has_program(const std::string& name) {
  std::string path = ::getenv("PATH") == nullptr ? "" : ::getenv("PATH");
  while (!path.empty()) {
    const auto end = path.find(':');
    if (::access((path.substr(0, end) + "/" + name).c_str(), X_OK) == 0) return true;
    path = end == std::string::npos ? "" : path.substr(end + 1);
  }
  return false;
}

}  // namespace camvault::test_support

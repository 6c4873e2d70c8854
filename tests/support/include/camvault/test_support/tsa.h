// The time stamp authority of tests/support/peers/tsa_server.py, as a process of its own.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

#include "camvault/base/file.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::test_support {

class Tsa {
 public:
  explicit Tsa(const std::filesystem::path& folder, int port = 0) : folder_(folder) {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    input_ = UniqueFd(in[1]);
    UniqueFd child_in(in[0]);
    UniqueFd child_out(out[1]);
    UniqueFd answer(out[0]);
    std::string arguments[] = {"python3", "tests/support/peers/tsa_server.py", folder.string(),
                               std::to_string(port)};
    char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), arguments[3].data(),
                    nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, child_in.get(), 0);
    ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), 1);
    const int error = ::posix_spawnp(&pid_, "python3", &actions, nullptr, argv, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot run python3");
    child_out.reset();
    std::string line;
    for (char c = 0; ::read(answer.get(), &c, 1) == 1 && c != '\n';) line += c;
    if (std::sscanf(line.c_str(), "%d %d", &port_, &tls_port_) != 2) {
      stop();
      throw std::runtime_error("the time stamp authority did not start");
    }
  }
  ~Tsa() { stop(); }
  Tsa(const Tsa&) = delete;
  Tsa& operator=(const Tsa&) = delete;

  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }

  int port() const { return port_; }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::string tls_url(const std::string& path) const {
    return "https://127.0.0.1:" + std::to_string(tls_port_) + path;
  }
  std::filesystem::path file(const std::string& name) const { return folder_ / name; }

 private:
  std::filesystem::path folder_;
  UniqueFd input_;
  pid_t pid_ = -1;
  int port_ = 0;
  int tls_port_ = 0;
};

}  // namespace camvault::test_support

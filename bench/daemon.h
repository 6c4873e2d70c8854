// A keystored of a benchmark's own, with the rule of one application "bench".
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "camvault/ipc/keystore_client.h"

namespace camvault::bench {

[[noreturn]] inline void give_up(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

class Daemon {
 public:
  // `backends`: its [[backend]] lines; their modules belong to whoever measures, so the daemon stays that
  // user.
  explicit Daemon(const std::string& backends = {}) {
    char name[] = "/tmp/camvault-keystore-bench-XXXXXX";
    if (::mkdtemp(name) == nullptr) give_up("no temporary folder");
    root_ = name;
    std::filesystem::permissions(root_, std::filesystem::perms(0755));
    std::filesystem::create_directories(root_ / "etc/camvault");
    std::ofstream(root_ / "etc/camvault/keystored.toml")
        << "[[application]]\nname = \"bench\"\nuid = " << ::geteuid() << "\n"
        << backends;
    std::filesystem::permissions(root_ / "etc/camvault/keystored.toml", std::filesystem::perms(0644));
    pid_ = ::fork();
    if (pid_ == 0) {
      const int log = ::open((root_ / "log").c_str(), O_WRONLY | O_CREAT,
                             0600);  // the audit line of each signature is part of it
      ::dup2(log, STDERR_FILENO);
      const auto root = root_.string();
      const bool keep_user = !backends.empty() && ::geteuid() == 0;
      ::execl(KEYSTORED_BINARY, KEYSTORED_BINARY, "--root", root.c_str(), keep_user ? "--user" : nullptr,
              "root", static_cast<char*>(nullptr));
      ::_exit(127);
    }
  }
  ~Daemon() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(root_);
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  const std::filesystem::path& root() const { return root_; }
  std::shared_ptr<keystore::Keystore> connect() const {
    auto client = ipc::connect_keystore(ipc::default_socket_path(root_));
    if (!client) give_up(client.error().what);
    return *client;
  }

 private:
  std::filesystem::path root_;
  pid_t pid_ = -1;
};

}  // namespace camvault::bench

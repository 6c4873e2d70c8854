// A real keystored of a test's own: private folder, private socket, ended by its process id.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "camvault/base/file.h"
#include "camvault/ipc/keystore_client.h"

namespace camvault::keystored {

inline constexpr std::uint32_t kStranger = 65534;   // a uid that no rule of the tests names
inline constexpr std::uint32_t kDaemonUid = 64242;  // what the daemon becomes when the tests run as root

inline bool is_root() {
  return ::geteuid() == 0;
}

class TestDaemon {
 public:
  TestDaemon() {
    char name[] = "/tmp/camvault-keystored-test-XXXXXX";
    if (::mkdtemp(name) == nullptr) std::abort();
    root_ = name;
    std::filesystem::permissions(
        root_, std::filesystem::perms(0755));  // the daemon has another uid when we are root
    std::filesystem::create_directories(root_ / "etc/camvault");
    write_config(default_config());
  }
  ~TestDaemon() {
    stop();
    std::filesystem::remove_all(root_);
  }
  TestDaemon(const TestDaemon&) = delete;
  TestDaemon& operator=(const TestDaemon&) = delete;

  static std::string default_config() {
    const auto uid = std::to_string(::geteuid());
    return "[[application]]\nname = \"camera\"\nuid = " + uid +
           "\nimport = true\n"
           "[[application]]\nname = \"factory\"\nuid = 12\nmanagers = [12]\nprovisioners = [" +
           uid +
           "]\n"
           "[[application]]\nname = \"sealed\"\nuid = 12\nmanagers = [" +
           uid + "]\n";
  }

  void write_config(const std::string& text) const {
    std::ofstream(root_ / "etc/camvault/keystored.toml") << text;
    std::filesystem::permissions(root_ / "etc/camvault/keystored.toml", std::filesystem::perms(0644));
  }

  // True when it listens.
  bool start() {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) return false;
    pid_ = ::fork();
    if (pid_ == 0) {
      const int log_fd = ::open((root_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
      ::dup2(log_fd, STDERR_FILENO);
      // Without close-on-exec; dup2() leaves it alone when the descriptor has that number already.
      if (ready[1] == 9) ::fcntl(9, F_SETFD, 0);
      ::dup2(ready[1], 9);
      const auto root_text = root_.string();
      const auto uid_text = std::to_string(kDaemonUid);
      const char* argv[] = {KEYSTORED_BINARY, "--root", root_text.c_str(),
                            "--ready-fd",     "9",      is_root() ? "--user" : nullptr,
                            uid_text.c_str(), nullptr};
      ::execv(KEYSTORED_BINARY, const_cast<char* const*>(argv));
      ::_exit(127);
    }
    ::close(ready[1]);
    char line[16];
    const auto n = ::read(ready[0], line, sizeof line);  // 0 if it ended
    ::close(ready[0]);
    return n > 0;
  }

  // The exit status of waitpid.
  int stop(int signal = SIGTERM) {
    if (pid_ <= 0) return -1;
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  // Without asking it to.
  int wait_for_end() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

  bool is_running() const { return pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0; }
  pid_t pid() const { return pid_; }
  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path socket() const { return ipc::default_socket_path(root_); }
  std::filesystem::path state() const { return root_ / "var/lib/camvault/keystored"; }
  std::string log() const {
    std::ifstream in(root_ / "log");
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }

  std::shared_ptr<keystore::Keystore> connect() const {
    auto client = ipc::connect_keystore(socket());
    if (!client) {
      ADD_FAILURE() << client.error().what << "\n" << log();
      return nullptr;
    }
    return *client;
  }

 private:
  std::filesystem::path root_;
  pid_t pid_ = -1;
};

// Runs `work` in a child process as another user and gives back its exit code. Only root can.
inline int run_as(std::uint32_t uid, const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0) ::_exit(126);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 200 + WTERMSIG(status);
}

class KeystoredTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(daemon_.start()) << daemon_.log();
    keystore_ = daemon_.connect();
    ASSERT_NE(keystore_, nullptr);
  }
  // Whatever was done to it: asked to end, it ends well. (A sanitizer's finding would show here.)
  void TearDown() override {
    keystore_.reset();
    if (daemon_.pid() <= 0) return;
    const int status = daemon_.stop();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << daemon_.log();
  }

  TestDaemon daemon_;
  std::shared_ptr<keystore::Keystore> keystore_;
};

inline keystore::KeyName key_name(std::string_view text) {
  return keystore::KeyName::parse(text).value();
}

}  // namespace camvault::keystored

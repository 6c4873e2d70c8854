#include "camvault/process/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>

extern char** environ;  // NOLINT(readability-redundant-declaration): unistd.h has it with _GNU_SOURCE only

namespace camvault::process {

namespace {
int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<char*> environment_with(std::vector<std::string>& more) {
  std::vector<char*> all;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view old(*one);
    const auto name = old.substr(0, old.find('=') + 1);
    const bool replaced =
        std::any_of(more.begin(), more.end(), [&](const std::string& m) { return m.starts_with(name); });
    if (!replaced) all.push_back(*one);
  }
  for (auto& one : more) all.push_back(one.data());
  all.push_back(nullptr);
  return all;
}

// Between fork and exec: only calls that are safe after a fork.
[[noreturn]] void become(const ChildProcess::Start& start, std::vector<char*>& argv, std::vector<char*>& envp,
                         pid_t parent) {
  // Whatever ends the parent, even SIGKILL, ends this child.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGBUS, SIG_DFL);
  if (start.standard_output >= 0) dup2(start.standard_output, STDOUT_FILENO);
  if (start.standard_error >= 0) dup2(start.standard_error, STDERR_FILENO);
  if (start.ready_fd >= 0) fcntl(start.ready_fd, F_SETFD, 0);
  execve(argv[0], argv.data(), envp.data());
  _exit(127);
}
}  // namespace

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(Errc::io, "pipe: " + errno_text(errno));
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<ChildProcess> ChildProcess::start(const Start& start) {
  auto arguments = start.arguments;
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  auto more = start.environment;
  auto envp = environment_with(more);
  if (access(argv[0], X_OK) != 0)
    return fail(Errc::not_found, std::string(argv[0]) + ": " + errno_text(errno));
  const auto parent = getpid();
  const auto pid = fork();
  if (pid < 0) return fail(Errc::io, "fork: " + errno_text(errno));
  if (pid == 0) become(start, argv, envp, parent);
  ChildProcess child;
  child.pid_ = pid;
  return child;
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    stop();
    pid_ = std::exchange(other.pid_, -1);
  }
  return *this;
}

bool ChildProcess::alive() {
  if (pid_ <= 0) return false;
  int status = 0;
  const auto ended = waitpid(pid_, &status, WNOHANG);
  if (ended == pid_ || (ended < 0 && errno != EINTR)) pid_ = -1;
  return pid_ > 0;
}

int ChildProcess::wait(const volatile std::sig_atomic_t* stop_when) {
  if (pid_ <= 0) return 0;
  // Looks again and again: a signal that comes just before a blocking wait would be slept over.
  for (bool asked = false;;) {
    int status = 0;
    const auto ended = waitpid(pid_, &status, WNOHANG);
    if (ended == pid_ || (ended < 0 && errno != EINTR)) {
      pid_ = -1;
      return code_of(status);
    }
    if (!asked && stop_when != nullptr && *stop_when != 0) {
      kill(pid_, SIGTERM);
      asked = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void ChildProcess::stop(std::chrono::milliseconds patience) {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    int status = 0;
    const auto ended = waitpid(pid_, &status, WNOHANG);
    if (ended == pid_ || (ended < 0 && errno != EINTR)) {
      pid_ = -1;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(pid_, SIGKILL);
  wait();
}

Result<Finished> run_and_capture(const std::vector<std::string>& arguments,
                                 const volatile std::sig_atomic_t* stop_when, std::size_t limit) {
  CAM_TRY(auto pipe, make_pipe());
  ChildProcess::Start start;
  start.arguments = arguments;
  start.standard_output = pipe.write_end.get();
  CAM_TRY(auto child, ChildProcess::start(start));
  pipe.write_end.reset();
  Finished finished;
  char buffer[65'536];
  for (;;) {
    const auto got = read(pipe.read_end.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR && (stop_when == nullptr || *stop_when == 0)) continue;
    if (got <= 0) break;
    if (finished.output.size() + static_cast<std::size_t>(got) > limit)
      return fail(Errc::limit, arguments[0] + " prints too much");
    finished.output.append(buffer, static_cast<std::size_t>(got));
  }
  finished.exit_code = child.wait(stop_when);
  return finished;
}

}  // namespace camvault::process

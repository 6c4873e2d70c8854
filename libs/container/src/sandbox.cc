#include "sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace camvault::container {

namespace {

#if defined(__clang__)
// libseccomp's macros for arguments are compound literals of C.
#pragma clang diagnostic ignored "-Wc99-extensions"
#pragma clang diagnostic ignored "-Wmissing-field-initializers"
#endif

using std::chrono::steady_clock;

constexpr int kInput = 3;
constexpr int kFromParent = 4;
constexpr int kToParent = 5;
constexpr int kSetupFailed = 126;

bool allow(scmp_filter_ctx filter, int call) {
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
}

// mmap and mprotect, but never executable.
bool allow_without_exec(scmp_filter_ctx filter, int call) {
  const auto no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, no_exec) == 0;
}

bool install_filter() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) return false;
  bool good = true;
  for (const int call : {SCMP_SYS(read),          SCMP_SYS(pread64),
                         SCMP_SYS(lseek),         SCMP_SYS(fstat),
                         SCMP_SYS(close),         SCMP_SYS(munmap),
                         SCMP_SYS(mremap),        SCMP_SYS(madvise),
                         SCMP_SYS(brk),           SCMP_SYS(futex),
                         SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
                         SCMP_SYS(getpid),        SCMP_SYS(gettid),
                         SCMP_SYS(exit),          SCMP_SYS(exit_group),
                         SCMP_SYS(rt_sigreturn),  SCMP_SYS(rt_sigprocmask),
                         SCMP_SYS(sched_yield),   SCMP_SYS(sched_getaffinity),
                         SCMP_SYS(getrandom),     SCMP_SYS(restart_syscall),
                         SCMP_SYS(sigaltstack)}) {
    good = good && allow(filter, call);
  }
  good = good && allow_without_exec(filter, SCMP_SYS(mmap)) && allow_without_exec(filter, SCMP_SYS(mprotect));
  // Output goes to the parent, and (sanitizer reports, assertions) to standard error.
  for (const int fd : {kToParent, STDERR_FILENO}) {
    const auto this_fd = SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(fd));
    good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, this_fd) == 0;
  }
  // Libraries look for optional files (locale, processor details): those are not there. The rest is fatal.
  for (const int call : {SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(access), SCMP_SYS(faccessat),
                         SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(stat), SCMP_SYS(ioctl)}) {
    good = good && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 0) == 0;
  }
  // fstat() is newfstatat(fd, "", AT_EMPTY_PATH) in this C library; with a path it says nothing either.
  const auto empty_path = SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH);
  good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, empty_path) == 0;
  good = good && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return good;
}

// Private memory of this process in bytes: what RLIMIT_DATA counts. The sixth number of proc_pid_statm(5), in
// pages.
std::size_t data_size() {
  constexpr std::size_t kMaxLine = 4096;
  const auto line = read_file("/proc/self/statm", kMaxLine);
  if (!line) return 0;
  auto text = as_text(*line);
  for (int i = 0; i < 5; ++i) text.remove_prefix(std::min(text.find(' '), text.size() - 1) + 1);
  std::size_t pages = 0;
  std::from_chars(text.data(), text.data() + text.size(), pages);
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

bool limit(__rlimit_resource resource, rlim_t value) {
  const rlimit both{value, value};
  return ::setrlimit(resource, &both) == 0;
}

// Puts the descriptors at fixed places and closes all others.
bool keep_only(int input, int from_parent, int to_parent) {
  constexpr int kAbove = 100;
  const int copies[] = {input < 0 ? -1 : ::fcntl(input, F_DUPFD, kAbove),
                        ::fcntl(from_parent, F_DUPFD, kAbove), ::fcntl(to_parent, F_DUPFD, kAbove)};
  const int places[] = {kInput, kFromParent, kToParent};
  for (int i = 0; i < 3; ++i) {
    if (copies[i] < 0) {
      if (i != 0 || input >= 0) return false;
      ::close(kInput);
    } else if (::dup2(copies[i], places[i]) < 0) {
      return false;
    }
  }
  ::close(STDIN_FILENO);
  ::close(STDOUT_FILENO);
  return ::close_range(kToParent + 1, ~0u, 0) == 0;
}

[[noreturn]] void run_child(int input, int from_parent, int to_parent, const SandboxLimits& limits,
                            std::size_t memory_limit,
                            const std::function<int(const SandboxedChild::Descriptors&)>& work) {
  for (int number = 1; number < NSIG; ++number) {
    // Ctrl-C and SIGTERM are the parent's business: it ends us. Handlers of the parent have no meaning here.
    ::signal(number, number == SIGINT || number == SIGTERM || number == SIGPIPE ? SIG_IGN : SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const auto seconds = static_cast<rlim_t>(limits.processor_time.count());
  // No death signal: it would come when the forking thread ends. A child without parent ends at its next
  // write.
  const bool ready = keep_only(input, from_parent, to_parent) && ::prctl(PR_SET_DUMPABLE, 0) == 0 &&
                     ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && limit(RLIMIT_CORE, 0) &&
                     limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_CPU, seconds) &&
                     limit(RLIMIT_DATA, memory_limit) && install_filter();
  ::_exit(ready ? work({input < 0 ? -1 : kInput, kFromParent, kToParent}) : kSetupFailed);
}

// Waits until `fd` is ready. False when the time is over.
Result<bool> wait_for(int fd, short events, steady_clock::time_point deadline) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    pollfd item{fd, events, 0};
    const int n = ::poll(&item, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000)));
    if (n > 0) return true;
    if (n == 0 && left <= 0) return false;
    if (n < 0 && errno != EINTR)
      return fail(Errc::io, "cannot wait for the sandboxed process: " + errno_text(errno));
  }
}

}  // namespace

Result<SandboxedChild> SandboxedChild::start(int input, const SandboxLimits& limits,
                                             const std::function<int(const Descriptors&)>& work) {
  int down[2];
  int up[2];
  if (::pipe2(down, O_CLOEXEC) != 0) return fail(Errc::io, "cannot make a pipe: " + errno_text(errno));
  UniqueFd down_read(down[0]);
  UniqueFd down_write(down[1]);
  if (::pipe2(up, O_CLOEXEC) != 0) return fail(Errc::io, "cannot make a pipe: " + errno_text(errno));
  UniqueFd up_read(up[0]);
  UniqueFd up_write(up[1]);
  constexpr int kPipeSize = 1 << 20;
  (void)::fcntl(up_read.get(), F_SETPIPE_SZ, kPipeSize);  // faster, not needed
  (void)::fcntl(down_write.get(), F_SETPIPE_SZ, kPipeSize);
  (void)::fcntl(down_write.get(), F_SETFL, O_NONBLOCK);
  const auto memory_limit = data_size() + limits.memory;
  const auto pid = ::fork();
  if (pid < 0) return fail(Errc::unavailable, "cannot start a sandboxed process: " + errno_text(errno));
  if (pid == 0) run_child(input, down_read.get(), up_write.get(), limits, memory_limit, work);
  SandboxedChild child;
  child.pid_ = pid;
  child.from_child_ = std::move(up_read);
  child.to_child_ = std::move(down_write);
  return child;
}

SandboxedChild::~SandboxedChild() {
  stop();
}

SandboxedChild::SandboxedChild(SandboxedChild&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      from_child_(std::move(other.from_child_)),
      to_child_(std::move(other.to_child_)) {}

SandboxedChild& SandboxedChild::operator=(SandboxedChild&& other) noexcept {
  if (this != &other) {
    stop();
    pid_ = std::exchange(other.pid_, -1);
    from_child_ = std::move(other.from_child_);
    to_child_ = std::move(other.to_child_);
  }
  return *this;
}

void SandboxedChild::stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

Result<std::size_t> SandboxedChild::read_some(std::uint8_t* data, std::size_t size,
                                              std::chrono::milliseconds patience) {
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    CAM_TRY(const auto ready, wait_for(from_child_.get(), POLLIN, deadline));
    if (!ready) return fail(Errc::limit, "the sandboxed process does not answer");
    const auto n = ::read(from_child_.get(), data, size);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return fail(Errc::io, "cannot read from the sandboxed process: " + errno_text(errno));
  }
}

Status SandboxedChild::read_exactly(std::uint8_t* data, std::size_t size,
                                    std::chrono::milliseconds patience) {
  while (size > 0) {
    CAM_TRY(const auto n, read_some(data, size, patience));
    if (n == 0) {
      CAM_TRY(const auto status, wait(patience));
      return fail(Errc::malformed, "the sandboxed process ended early (" + std::to_string(status) + ")");
    }
    data += n;
    size -= n;
  }
  return ok();
}

Status SandboxedChild::write_all(BytesView bytes, std::chrono::milliseconds patience) {
  const auto deadline = steady_clock::now() + patience;
  // A child that dies makes the pipe broken: that is an error here, not a signal.
  sigset_t pipe_signal;
  sigset_t before;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  auto status = [&]() -> Status {
    while (!bytes.empty()) {
      const auto n = ::write(to_child_.get(), bytes.data(), bytes.size());
      if (n >= 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(n));
      } else if (errno == EAGAIN) {
        CAM_TRY(const auto ready, wait_for(to_child_.get(), POLLOUT, deadline));
        if (!ready) return fail(Errc::limit, "the sandboxed process does not take its input");
      } else if (errno == EPIPE) {
        const timespec at_once{};
        (void)::sigtimedwait(&pipe_signal, nullptr, &at_once);
        return fail(Errc::malformed, "the sandboxed process ended early");
      } else if (errno != EINTR) {
        return fail(Errc::io, "cannot write to the sandboxed process: " + errno_text(errno));
      }
    }
    return ok();
  }();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status;
}

void SandboxedChild::close_input() {
  to_child_.reset();
}

Result<int> SandboxedChild::wait(std::chrono::milliseconds patience) {
  if (pid_ < 0) return fail(Errc::usage, "the sandboxed process has ended");
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    int status = 0;
    const auto n = ::waitpid(pid_, &status, WNOHANG);
    if (n < 0 && errno != EINTR) {
      pid_ = -1;  // somebody else collected it
      return fail(Errc::internal, "the sandboxed process was lost");
    }
    if (n == pid_) {
      pid_ = -1;
      if (WIFEXITED(status) && WEXITSTATUS(status) == kSetupFailed)
        return fail(Errc::unavailable, "the sandbox cannot be set up here");
      if (WIFEXITED(status)) return WEXITSTATUS(status);
      const int number = WTERMSIG(status);
      if (number == SIGSYS)
        return fail(Errc::malformed, "the sandboxed process tried a forbidden system call and was stopped");
      if (number == SIGXCPU || number == SIGKILL)
        return fail(Errc::limit, "the sandboxed process used too much processor time");
      return fail(Errc::malformed, "the sandboxed process crashed (signal " + std::to_string(number) + ")");
    }
    if (steady_clock::now() >= deadline) return fail(Errc::limit, "the sandboxed process does not end");
    const timespec pause{0, 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

bool child_write(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

bool child_read(int fd, std::uint8_t* data, std::size_t size) {
  while (size > 0) {
    const auto n = ::read(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace camvault::container

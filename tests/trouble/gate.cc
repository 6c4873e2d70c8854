// Runs a program and stands between it and the kernel (seccomp's user notification): what a machine does
// that loses power, has no room or no randomness yet, at a point that can be named.
//
//   gate [--report FILE] --kill-at N   -- PROGRAM ...   SIGKILL instead of its Nth change (0: never)
//   gate [--report FILE] --full-from N -- PROGRAM ...   from its Nth change on, files cannot grow: ENOSPC
//   gate [--report FILE] --entropy FILE -- PROGRAM ...  the kernel has no randomness before FILE is there
//
// A change is a system call that the outside can see: files made, written, synced, renamed, removed, and what
// is said to others. SIGTERM is passed on. FILE of --report: the number of changes, or of calls that had to
// wait; what the last one was; whether /dev/(u)random was opened in between. Ends as PROGRAM did; 128 + N for
// a signal; 77 if this kernel has no such filters.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {
constexpr int kNoFilters = 77;

enum class Kind : std::uint8_t { kill_at, full_from, entropy };

struct Wish {
  Kind kind = Kind::kill_at;
  long at = 0;
  std::string entropy;
  std::string report;
};

struct Call {
  int number;
  const char* name;
  bool grows;  // ENOSPC is one of its errors, if it is about a file
};
constexpr std::array kChanges{
    Call{SYS_openat, "openat", true},        Call{SYS_mkdirat, "mkdirat", true},
    Call{SYS_renameat2, "renameat2", true},  Call{SYS_unlinkat, "unlinkat", false},
    Call{SYS_fsync, "fsync", false},         Call{SYS_fdatasync, "fdatasync", false},
    Call{SYS_ftruncate, "ftruncate", false}, Call{SYS_write, "write", true},
    Call{SYS_pwrite64, "pwrite64", true},    Call{SYS_writev, "writev", true},
    Call{SYS_fallocate, "fallocate", true},  Call{SYS_sendto, "sendto", false},
    Call{SYS_sendmsg, "sendmsg", false},
#ifdef SYS_rename
    Call{SYS_rename, "rename", true},        Call{SYS_mkdir, "mkdir", true},
    Call{SYS_unlink, "unlink", false},
#endif
#ifdef SYS_renameat
    Call{SYS_renameat, "renameat", true},
#endif
};

const Call* find(int number) {
  for (const auto& call : kChanges)
    if (call.number == number) return &call;
  return nullptr;
}

std::vector<sock_filter> filter_for(Kind kind) {
  std::vector<sock_filter> out{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offsetof(seccomp_data, nr)))};
  const auto tell = [&](int number) {
    out.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
    out.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  };
  if (kind == Kind::entropy) {
    tell(SYS_getrandom);
    tell(SYS_openat);
  } else {
    for (const auto& call : kChanges) tell(call.number);
  }
  out.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return out;
}

// Shared with the child until it is the program.
struct Meeting {
  std::atomic<int> listener{-1};
  std::atomic<int> error{0};
  std::atomic<bool> taken{false};
};

[[noreturn]] void become(Meeting& meeting, Kind kind, char* argv[]) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGTERM, SIG_DFL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  auto filter = filter_for(kind);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  const long listener =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) {
    meeting.error = errno;
    ::_exit(kNoFilters);
  }
  meeting.listener = static_cast<int>(listener);
  while (!meeting.taken) ::sched_yield();
  ::execvp(argv[0], argv);
  ::_exit(127);
}

volatile std::sig_atomic_t program = 0;
void pass_on(int signal) {
  if (program > 0) ::kill(program, signal);
}

class Gate {
 public:
  Gate(const Wish& wish, int listener, pid_t child) : wish_(wish), listener_(listener), child_(child) {}

  // Until the program has ended; its status.
  int serve() {
    for (;;) {
      pollfd ready{listener_, POLLIN, 0};
      ::poll(&ready, 1, 20);
      if ((ready.revents & POLLIN) != 0) take();
      let_go();
      int status = 0;
      if (::waitpid(child_, &status, WNOHANG) == child_) return status;
    }
  }
  void report() const {
    if (wish_.report.empty()) return;
    auto* file = std::fopen(wish_.report.c_str(), "w");
    if (file == nullptr) return;
    std::fprintf(file, "%ld %s %s\n", count_, last_.c_str(), opened_random_ ? "opened" : "-");
    std::fclose(file);
  }

 private:
  void take() {
    seccomp_notif call{};
    if (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return;
    if (wish_.kind == Kind::entropy) return on_random(call);
    const auto* known = find(call.data.nr);
    // Opening what is there already changes nothing.
    if (known == nullptr || (call.data.nr == SYS_openat && (call.data.args[2] & O_CREAT) == 0 &&
                             (call.data.args[2] & O_TMPFILE) != O_TMPFILE))
      return go_on(call);
    ++count_;
    last_ = known->name;
    if (wish_.kind == Kind::kill_at && count_ == wish_.at) {
      ::kill(child_, SIGKILL);  // the call never happens
      return;
    }
    const bool full = wish_.kind == Kind::full_from && wish_.at > 0 && count_ >= wish_.at;
    return full && known->grows && is_about_a_file(call) ? answer(call, -ENOSPC) : go_on(call);
  }

  bool has_entropy() const { return ::access(wish_.entropy.c_str(), F_OK) == 0; }

  void on_random(const seccomp_notif& call) {
    if (call.data.nr == SYS_openat) {
      char path[32] = {};
      const auto memory = "/proc/" + std::to_string(call.pid) + "/mem";
      const int fd = ::open(memory.c_str(), O_RDONLY | O_CLOEXEC);
      const bool read =
          fd >= 0 && ::pread(fd, path, sizeof path - 1, static_cast<off_t>(call.data.args[1])) > 0;
      if (fd >= 0) ::close(fd);
      if (read && !has_entropy() &&
          (std::strcmp(path, "/dev/urandom") == 0 || std::strcmp(path, "/dev/random") == 0))
        opened_random_ = true;
      return go_on(call);
    }
    // getrandom(2): EAGAIN for those who do not want to wait, and waiting for those who do.
    if (has_entropy() || (call.data.args[2] & GRND_INSECURE) != 0) return go_on(call);
    ++count_;
    last_ = "getrandom";
    if ((call.data.args[2] & GRND_NONBLOCK) != 0) return answer(call, -EAGAIN);
    waiting_.push_back(call);
    report();  // whoever waits for this one to wait
  }
  void let_go() {
    if (waiting_.empty() || !has_entropy()) return;
    for (const auto& call : waiting_) go_on(call);
    waiting_.clear();
  }

  // Pipes and sockets have room.
  static bool is_about_a_file(const seccomp_notif& call) {
    const auto nr = call.data.nr;
    if (nr != SYS_write && nr != SYS_pwrite64 && nr != SYS_writev && nr != SYS_fallocate) return true;
    const auto path = "/proc/" + std::to_string(call.pid) + "/fd/" + std::to_string(call.data.args[0]);
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  }

  void go_on(const seccomp_notif& call) const {
    seccomp_notif_resp response{};
    response.id = call.id;
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &response);
  }
  void answer(const seccomp_notif& call, int error) const {
    seccomp_notif_resp response{};
    response.id = call.id;
    response.error = error;
    ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &response);
  }

  const Wish& wish_;
  int listener_;
  pid_t child_;
  long count_ = 0;
  std::string last_ = "-";
  bool opened_random_ = false;
  std::vector<seccomp_notif> waiting_;
};

int run(const Wish& wish, char* argv[]) {
  void* shared = ::mmap(nullptr, sizeof(Meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 70;
  auto& meeting = *new (shared) Meeting;
  // One table of descriptors for both, until the child is the program: so that the filter's one gets here.
  const long child = ::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child < 0) return 70;
  if (child == 0) become(meeting, wish.kind, argv);
  int status = 0;
  while (meeting.listener < 0) {
    if (::waitpid(static_cast<pid_t>(child), &status, WNOHANG) != 0) {
      std::fprintf(stderr, "gate: this kernel has no such filters: %s\n", std::strerror(meeting.error));
      return kNoFilters;
    }
    ::sched_yield();
  }
  program = static_cast<std::sig_atomic_t>(child);
  ::signal(SIGTERM, pass_on);
  // Its own copy: the program's one closes when it begins.
  const int listener = ::fcntl(meeting.listener, F_DUPFD_CLOEXEC, 100);
  meeting.taken = true;
  Gate gate(wish, listener, static_cast<pid_t>(child));
  const int ended = gate.serve();
  gate.report();
  return WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
}
}  // namespace

int main(int argc, char* argv[]) {
  Wish wish;
  int i = 1;
  for (; i + 1 < argc && std::strcmp(argv[i], "--") != 0; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--report") {
      wish.report = value;
    } else if (name == "--entropy") {
      wish.kind = Kind::entropy;
      wish.entropy = value;
    } else if (name == "--kill-at" || name == "--full-from") {
      wish.kind = name == "--kill-at" ? Kind::kill_at : Kind::full_from;
      wish.at = std::atol(value);
    } else {
      return 64;
    }
  }
  if (i + 1 >= argc) return 64;
  return run(wish, argv + i + 1);
}

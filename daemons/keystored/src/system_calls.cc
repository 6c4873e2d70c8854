#include "system_calls.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "camvault/base/file.h"
#include "process.h"

namespace camvault::keystored {

namespace {
struct Release {
  void operator()(void* context) const { ::seccomp_release(context); }
};
using Filter = std::unique_ptr<void, Release>;

// By name, since not every architecture has every one of them.
constexpr const char* kAllowed[] = {
    // clients and the event loop
    "accept4", "recvfrom", "recvmsg", "sendto", "sendmsg", "read", "write", "readv", "writev", "close",
    "shutdown", "getsockopt", "epoll_ctl", "epoll_wait", "epoll_pwait", "poll", "ppoll", "ppoll_time64",
    // key files; their paths are Landlock's business
    "openat", "open", "fstat", "fstat64", "newfstatat", "fstatat64", "stat", "lstat", "statx", "lseek",
    "_llseek", "pread64", "getdents64", "fcntl", "fcntl64", "mkdir", "mkdirat", "fchmod", "fsync",
    "fdatasync", "unlink", "unlinkat", "rename", "renameat", "renameat2", "linkat",
    // memory; executable memory is refused below
    "brk", "munmap", "mremap", "madvise", "mlock", "mlock2", "munlock",
    // threads, time, chance, signals, the end
    "futex", "futex_time64", "sched_yield", "sched_getaffinity", "set_robust_list", "rseq", "membarrier",
    "getcpu", "clock_gettime", "clock_gettime64", "clock_getres", "gettimeofday", "time", "nanosleep",
    "clock_nanosleep", "clock_nanosleep_time64", "getrandom", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "sigreturn", "sigaltstack", "restart_syscall", "tgkill", "getpid", "gettid", "getuid",
    "geteuid", "getgid", "getegid", "getuid32", "geteuid32", "uname", "sysinfo", "exit", "exit_group"};

// What a PKCS#11 module does with its own files besides.
constexpr const char* kForForeignCode[] = {"access",    "faccessat", "faccessat2", "readlink", "readlinkat",
                                           "ftruncate", "fallocate", "umask",      "flock",    "getcwd",
                                           "pwrite64",  "chmod",     "rmdir",      "dup",      "dup2",
                                           "dup3",      "getrusage", "times",      "fstatfs",  "eventfd2"};
// What it tries in passing and can do without: refused with an error, so that a line to syslog or a look at
// the terminal does not end the service.
constexpr const char* kRefusedToForeignCode[] = {"socket",    "connect",   "ioctl",     "prctl",
                                                 "prlimit64", "setrlimit", "getrlimit", "clone",
                                                 "clone3",    "pipe2",     "kill"};

constexpr const char* kForbiddenAnyway[] = {
    "bind",       "ptrace",  "process_vm_readv", "process_vm_writev", "pidfd_getfd",
    "kcmp",       "bpf",     "perf_event_open",  "init_module",       "finit_module",
    "kexec_load", "mount",   "umount2",          "pivot_root",        "chroot",
    "setns",      "unshare", "keyctl",           "add_key",           "request_key",
    "swapon",     "reboot",  "userfaultfd",      "io_uring_setup"};
constexpr const char* kSockets[] = {"socket", "connect"};

template <std::size_t N>
int add(scmp_filter_ctx filter, std::uint32_t action, const char* const (&names)[N]) {
  for (const auto* name : names) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;  // not on this architecture
    // A number that is another architecture's is added as nothing by libseccomp.
    if (const int error = ::seccomp_rule_add(filter, action, number, 0); error != 0) return error;
  }
  return 0;
}

int allow_data_memory(scmp_filter_ctx filter) {
  for (const auto* name : {"mmap", "mmap2", "mprotect"}) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;
    // Nothing becomes executable any more: the third argument is prot.
    if (const int error =
            ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        error != 0) {
      return error;
    }
  }
  return 0;
}

// Stream sockets of the family AF_UNIX, and connecting them. A path leads to them, so a folder's rights
// decide.
int allow_unix_sockets(scmp_filter_ctx filter) {
  constexpr std::uint64_t kTypeBits = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK
  if (const int error =
          ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
                             SCMP_A1(SCMP_CMP_MASKED_EQ, kTypeBits, SOCK_STREAM));
      error != 0) {
    return error;
  }
  return ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
}

// ioctl for devices that Landlock left open; sockets for those who need them; the rest of a library's habits.
int allow_needs(scmp_filter_ctx filter, const keystore_engine::SandboxNeeds& needs) {
  const bool devices =
      std::any_of(needs.paths.begin(), needs.paths.end(), [](const auto& p) { return p.device; });
  int error = devices ? ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 0) : 0;
  if (error == 0 && needs.unix_sockets) error = allow_unix_sockets(filter);
  if (error == 0 && needs.foreign_code) error = add(filter, SCMP_ACT_ALLOW, kForForeignCode);
  if (error != 0 || !needs.foreign_code) return error;
  for (const auto* name : kRefusedToForeignCode) {
    const bool allowed = (devices && std::string_view(name) == "ioctl") ||
                         (needs.unix_sockets && std::string_view(name) == "connect");
    const int number = ::seccomp_syscall_resolve_name(name);
    if (allowed || number == __NR_SCMP_ERROR) continue;
    // "socket" beside its allowed form: the more specific rule wins in libseccomp only without a bare one.
    if (needs.unix_sockets && std::string_view(name) == "socket") {
      error = ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX));
      if (error == 0)
        error = ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
                                   SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM));
    } else {
      error = ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
    }
    if (error != 0) return error;
  }
  return 0;
}

keystore::Mechanism missing(int error) {
  return {"seccomp", false, "not possible on this machine: " + errno_text(-error)};
}
}  // namespace

keystore::Mechanism restrict_system_calls(const keystore_engine::SandboxNeeds& needs) {
  const bool relaxed = is_sanitized();
  const Filter filter(::seccomp_init(relaxed ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS));
  if (filter == nullptr) return missing(-ENOMEM);
  int error = relaxed ? add(filter.get(), SCMP_ACT_KILL_PROCESS, kForbiddenAnyway)
                      : add(filter.get(), SCMP_ACT_ALLOW, kAllowed);
  if (error == 0 && relaxed && !needs.unix_sockets && !needs.foreign_code)
    error = add(filter.get(), SCMP_ACT_KILL_PROCESS, kSockets);
  if (error == 0 && !relaxed) error = allow_data_memory(filter.get());
  if (error == 0 && !relaxed) error = allow_needs(filter.get(), needs);
  if (error == 0) error = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  // A binary tree instead of a list: signatures make few system calls, but each passes here.
  if (error == 0) error = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (error == 0) error = ::seccomp_load(filter.get());
  if (error != 0) return missing(error);
  if (relaxed)
    return {"seccomp", true,
            "relaxed in this sanitizer build: forbids sockets and access to other processes"};
  std::string words = needs.unix_sockets ? "sockets of this machine only, for a backend that needs them; no"
                                         : "no new sockets,";
  words += " programs, processes or executable memory; a forbidden system call kills";
  if (needs.foreign_code) words += ", or fails where a backend's foreign library is known to try it";
  return {"seccomp", true, words};
}

}  // namespace camvault::keystored

#include "system_calls.h"

#include <seccomp.h>
#include <sys/mman.h>

#include <cerrno>
#include <memory>

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

constexpr const char* kForbiddenAnyway[] = {
    "socket",      "connect",       "bind",    "ptrace",          "process_vm_readv", "process_vm_writev",
    "pidfd_getfd", "kcmp",          "bpf",     "perf_event_open", "init_module",      "finit_module",
    "kexec_load",  "mount",         "umount2", "pivot_root",      "chroot",           "setns",
    "unshare",     "keyctl",        "add_key", "request_key",     "swapon",           "reboot",
    "userfaultfd", "io_uring_setup"};

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

keystore::Mechanism missing(int error) {
  return {"seccomp", false, "not possible on this machine: " + errno_text(-error)};
}
}  // namespace

keystore::Mechanism restrict_system_calls() {
  const bool relaxed = is_sanitized();
  const Filter filter(::seccomp_init(relaxed ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS));
  if (filter == nullptr) return missing(-ENOMEM);
  int error = relaxed ? add(filter.get(), SCMP_ACT_KILL_PROCESS, kForbiddenAnyway)
                      : add(filter.get(), SCMP_ACT_ALLOW, kAllowed);
  if (error == 0 && !relaxed) error = allow_data_memory(filter.get());
  if (error == 0) error = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  // A binary tree instead of a list: signatures make few system calls, but each passes here.
  if (error == 0) error = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (error == 0) error = ::seccomp_load(filter.get());
  if (error != 0) return missing(error);
  if (relaxed)
    return {"seccomp", true,
            "relaxed in this sanitizer build: forbids sockets and access to other processes"};
  return {"seccomp", true,
          "no new sockets, programs, processes or executable memory; a forbidden system call kills"};
}

}  // namespace camvault::keystored

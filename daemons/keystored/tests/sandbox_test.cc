// Each door is shut: what a process that runs keystored's code could still do. SP-4.2.10.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "camvault/test_support/temporary_folder.h"
#include "landlock.h"
#include "process.h"
#include "system_calls.h"

namespace camvault::keystored {
namespace {

// The signal that ended a child, or 0 with its exit code 0, or -1.
int end_of(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) == 0 ? 0 : -1;
}

int end_under_filter(const std::function<void()>& work) {
  return end_of([&] {
    forbid_new_privileges();
    if (!restrict_system_calls().active) ::_exit(1);
    work();
  });
}

class SystemCalls : public testing::Test {
 protected:
  void SetUp() override {
    const int possible = end_of([] {
      forbid_new_privileges();
      if (!restrict_system_calls().active) ::_exit(1);
    });
    if (possible != 0) GTEST_SKIP() << "seccomp filters are not possible on this machine";
  }
};

TEST_F(SystemCalls, SocketsTracingAndOthersMemoryKillInEveryBuild) {
  EXPECT_EQ(end_under_filter([] { ::socket(AF_INET, SOCK_STREAM, 0); }), SIGSYS);
  EXPECT_EQ(end_under_filter([] { ::socket(AF_INET6, SOCK_DGRAM, 0); }), SIGSYS);
  EXPECT_EQ(end_under_filter([] { ::socket(AF_UNIX, SOCK_STREAM, 0); }), SIGSYS);
  EXPECT_EQ(end_under_filter([] { ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }), SIGSYS);
  EXPECT_EQ(end_under_filter([] {
              char byte = 0;
              const iovec local{&byte, 1};
              ::process_vm_readv(::getppid(), &local, 1, &local, 1, 0);
            }),
            SIGSYS);
  EXPECT_EQ(end_under_filter([] { ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }), SIGSYS);
}

TEST_F(SystemCalls, ProgramsProcessesAndExecutableMemoryKill) {
  if (is_sanitized()) GTEST_SKIP() << "the filter is relaxed in this sanitizer build";
  EXPECT_EQ(end_under_filter([] { ::execl("/bin/true", "true", static_cast<char*>(nullptr)); }), SIGSYS);
  EXPECT_EQ(end_under_filter([] { ::fork(); }), SIGSYS);
  EXPECT_EQ(end_under_filter(
                [] { ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }),
            SIGSYS);
  EXPECT_EQ(end_under_filter([] {
              if (::setuid(0) != 0) ::_exit(1);
            }),
            SIGSYS);
  EXPECT_EQ(end_under_filter([] { ::kill(::getppid(), 0); }), SIGSYS);
  EXPECT_EQ(end_under_filter([] { ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }), SIGSYS);
}

TEST_F(SystemCalls, WhatServingNeedsWorks) {
  const test_support::TemporaryFolder folder;
  EXPECT_EQ(end_under_filter([&] {
              const bool wrote = write_file_atomically(folder / "f", as_bytes("x"), 0600).has_value();
              void* memory =
                  ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              if (!wrote || memory == MAP_FAILED || !read_file(folder / "f", 10)) ::_exit(1);
            }),
            0);
}

TEST(Landlock, LeavesTheStateFolderAndNothingElse) {
  const test_support::TemporaryFolder folder;
  const auto probe = restrict_files(folder.path() / "none");  // cannot be in force: there is no such folder
  EXPECT_FALSE(probe.active);
  const int possible = end_of([&] {
    forbid_new_privileges();
    if (!restrict_files(folder.path()).active) ::_exit(1);
  });
  if (possible != 0) GTEST_SKIP() << "Landlock is not possible on this machine: " << probe.detail;
  EXPECT_EQ(end_of([&] {
              forbid_new_privileges();
              if (!restrict_files(folder.path()).active) ::_exit(1);
              if (!write_file_atomically(folder / "inside", as_bytes("x"), 0600)) ::_exit(2);
              if (!read_file(folder / "inside", 10)) ::_exit(3);
              if (::unlink((folder / "inside").c_str()) != 0) ::_exit(4);
              if (::open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES) ::_exit(5);
              if (::open("/tmp/camvault-outside", O_WRONLY | O_CREAT, 0600) >= 0) ::_exit(6);
              if (::mkdir((folder / "folder").c_str(), 0700) == 0) ::_exit(7);
              if (::symlink("/etc/passwd", (folder / "link").c_str()) == 0) ::_exit(8);
              if (::open("/proc/self/mem", O_RDONLY) >= 0) ::_exit(9);
            }),
            0);
}

TEST(ProcessRights, CapabilitiesGoAndCoreDumpsToo) {
  EXPECT_EQ(end_of([] {
              if (!forbid_core_dumps().active || !forbid_tracing().active || !forbid_new_privileges().active)
                ::_exit(1);
              if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
                ::_exit(2);
              if (!drop_capabilities().active) ::_exit(3);
              if (::geteuid() == 0 && ::chown("/tmp", 1, 1) == 0) ::_exit(4);
            }),
            0);
}

}  // namespace
}  // namespace camvault::keystored

#include "sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace camvault::container {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kPatience{20'000};

Result<int> outcome_of(const std::function<int(const SandboxedChild::Descriptors&)>& work,
                       SandboxLimits limits = {}, int input = -1) {
  CAM_TRY(auto child, SandboxedChild::start(input, limits, work));
  return child.wait(kPatience);
}

// What the child may not do stops it, and the caller learns why.
TEST(Sandbox, ForbiddenCallsEndTheChild) {
  const std::pair<const char*, std::function<int(const SandboxedChild::Descriptors&)>> attempts[] = {
      {"socket", [](const auto&) { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 1 : 0; }},
      {"unix socket", [](const auto&) { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 1 : 0; }},
      {"fork", [](const auto&) { return ::fork() >= 0 ? 1 : 0; }},
      {"exec", [](const auto&) { return ::execl("/bin/true", "true", nullptr); }},
      {"kill", [](const auto&) { return ::kill(::getppid(), 0); }},
      {"unlink", [](const auto&) { return ::unlink("/tmp/none"); }},
      {"write to another descriptor", [](const auto&) { return ::write(9, "x", 1) > 0 ? 1 : 0; }},
      {"executable memory",
       [](const auto&) {
         return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
                    ? 1
                    : 0;
       }},
  };
  for (const auto& [name, work] : attempts) {
    const auto outcome = outcome_of(work);
    ASSERT_FALSE(outcome) << name << " was allowed: " << *outcome;
    EXPECT_EQ(outcome.error().code, Errc::malformed) << name << ": " << outcome.error().what;
    EXPECT_NE(outcome.error().what.find("forbidden system call"), std::string::npos)
        << name << ": " << outcome.error().what;
  }
}

TEST(Sandbox, FilesCannotBeOpened) {
  const auto outcome = outcome_of([](const auto&) {
    for (const auto* path : {"/etc/passwd", "/proc/self/maps", "/dev/null", "."}) {
      if (::open(path, O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES) return 1;
    }
    return ::open("/tmp/camvault-sandbox-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EACCES
               ? 42
               : 1;
  });
  ASSERT_TRUE(outcome) << outcome.error().what;
  EXPECT_EQ(*outcome, 42);
}

TEST(Sandbox, DescriptorsOfTheCallerAreClosed) {
  const UniqueFd secret(::open("/etc/hostname", O_RDONLY));  // not even close-on-exec
  ASSERT_TRUE(secret.valid());
  const auto outcome = outcome_of([](const SandboxedChild::Descriptors& fds) {
    char byte = 0;
    for (int fd = 0; fd < 200; ++fd) {
      if (fd == fds.from_parent || fd == fds.to_parent) continue;
      if (::read(fd, &byte, 1) >= 0 && fd != STDERR_FILENO) return 1;
    }
    return 42;
  });
  ASSERT_TRUE(outcome) << outcome.error().what;
  EXPECT_EQ(*outcome, 42);
}

TEST(Sandbox, ReadsItsInputAndAnswers) {
  const UniqueFd input(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  auto child = SandboxedChild::start(input.get(), {}, [](const SandboxedChild::Descriptors& fds) {
    std::uint8_t magic[4] = {};
    std::uint8_t question = 0;
    if (!child_read(fds.input, magic, 4) || !child_read(fds.from_parent, &question, 1)) return 1;
    magic[0] = question;
    return child_write(fds.to_parent, magic) ? 0 : 1;
  });
  ASSERT_TRUE(child) << child.error().what;
  ASSERT_TRUE(child->write_all(as_bytes("?"), kPatience));
  std::uint8_t answer[4] = {};
  ASSERT_TRUE(child->read_exactly(answer, 4, kPatience));
  EXPECT_EQ(as_text(answer), "?ELF");
  EXPECT_EQ(child->read_some(answer, 4, kPatience).value(), 0u);
  EXPECT_EQ(child->wait(kPatience).value(), 0);
}

TEST(Sandbox, MemoryAndTimeAreBounded) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  SandboxLimits small;
  small.memory = std::size_t{64} << 20;
  const auto memory = outcome_of(
      [](const auto&) {
        return ::mmap(nullptr, std::size_t{128} << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0) == MAP_FAILED
                   ? 42
                   : 1;
      },
      small);
  ASSERT_TRUE(memory) << memory.error().what;
  EXPECT_EQ(*memory, 42);
#endif
  SandboxLimits brief;
  brief.processor_time = std::chrono::seconds(1);
  const auto time = outcome_of(
      [](const auto&) {
        volatile std::uint64_t n = 0;
        for (;;) n = n + 1;
        return 0;
      },
      brief);
  ASSERT_FALSE(time);
  EXPECT_EQ(time.error().code, Errc::limit);
}

TEST(Sandbox, CrashesAndSilenceAreErrorsOfTheCaller) {
  const auto crash = outcome_of([](const auto&) -> int { __builtin_trap(); });
  ASSERT_FALSE(crash);
  EXPECT_NE(crash.error().what.find("crashed"), std::string::npos) << crash.error().what;
  auto silent = SandboxedChild::start(-1, {}, [](const SandboxedChild::Descriptors& fds) {
    std::uint8_t byte = 0;
    return child_read(fds.from_parent, &byte, 1) ? 1 : 0;
  });
  ASSERT_TRUE(silent);
  std::uint8_t byte = 0;
  EXPECT_EQ(silent->read_some(&byte, 1, milliseconds(50)).error().code, Errc::limit);
  silent->close_input();
  EXPECT_EQ(silent->wait(kPatience).value(), 0);
  // A child that is gone is an error for the writer, not a signal.
  auto gone = SandboxedChild::start(-1, {}, [](const auto&) { return 0; });
  ASSERT_TRUE(gone);
  const Bytes much(std::size_t{4} << 20);
  EXPECT_EQ(gone->write_all(much, kPatience).error().code, Errc::malformed);
}

}  // namespace
}  // namespace camvault::container

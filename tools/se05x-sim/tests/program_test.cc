// The program: its three ways of listening, and NXP's own host software against it.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "camvault/base/file.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"
#include "sim_fixture.h"

namespace camvault::se05x_sim {
namespace {

class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    arguments.insert(arguments.begin(), SE05X_SIM_BINARY);
    arguments.insert(arguments.end(), {"--ready-fd", "3"});
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    const int error = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    const UniqueFd reader(ends[0]);
    if (error != 0) throw std::runtime_error("cannot start the simulator");
    char line[256];
    const auto count = ::read(reader.get(), line, sizeof line);
    if (count > 1) address_.assign(line, static_cast<std::size_t>(count) - 1);
  }
  ~Program() { stop(); }
  // Ends exactly the process that this object started, once.
  int stop() {
    if (pid_ <= 0) return -1;
    const pid_t child = std::exchange(pid_, -1);
    int status = 0;
    if (::kill(child, SIGTERM) != 0 || ::waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& address() const { return address_; }

 private:
  pid_t pid_ = -1;
  std::string address_;
};

class ProgramTest : public testing::Test {
 protected:
  Element host(const std::string& address) {
    return Element({.open_bus = [=] { return keystore_se05x::open_bus(address); },
                    .platform_keys = test_platform_keys(),
                    .random = [this](std::span<std::uint8_t> room) { engine_->random(room); }});
  }
  test_support::TemporaryFolder folder_;
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
};

TEST_F(ProgramTest, ListensOnSocketsAndOnAPty) {
  for (const auto& listen :
       {"unix:" + (folder_ / "socket").string(), std::string("tcp:0"), std::string("pty")}) {
    Program program({"--listen", listen});
    ASSERT_TRUE(program.address().starts_with("sim:")) << listen;
    {
      auto element = host(program.address());
      Applet applet(element);
      ASSERT_TRUE(applet.generate_ec(kKey, Curve::p256, {})) << listen;
      Bytes content(2000, 1);
      ASSERT_TRUE(applet.write_file(kOther, content, {}));
      EXPECT_EQ(applet.read_file(kOther, 2000).value(), content);
      EXPECT_TRUE(element.is_simulator());
    }
    EXPECT_EQ(program.stop(), 0);
  }
}

TEST_F(ProgramTest, AHostSurvivesARestartOfTheSimulator) {
  const auto listen = "unix:" + (folder_ / "socket").string();
  const auto state = (folder_ / "state").string();
  auto first = std::make_unique<Program>(std::vector<std::string>{"--listen", listen, "--state", state});
  auto element = host(first->address());
  Applet applet(element);
  ASSERT_TRUE(applet.generate_ec(kKey, Curve::p256, {}));
  const auto point = applet.ec_point(kKey, Curve::p256).value();
  first.reset();
  EXPECT_EQ(applet.ec_point(kKey, Curve::p256).error().code, Errc::unavailable);
  const Program second({"--listen", listen, "--state", state});
  EXPECT_EQ(applet.ec_point(kKey, Curve::p256).value(), point);
}

TEST_F(ProgramTest, WrongUsageIsSaid) {
  EXPECT_EQ(test_support::run_program({SE05X_SIM_BINARY}).exit_code, 64);
  EXPECT_EQ(test_support::run_program({SE05X_SIM_BINARY, "--listen", "nowhere"}).exit_code, 64);
  EXPECT_EQ(test_support::run_program({SE05X_SIM_BINARY, "--listen", "pty", "--fault", "fire"}).exit_code,
            64);
  EXPECT_EQ(
      test_support::run_program({SE05X_SIM_BINARY, "--listen", "pty", "--state", "/dev/null"}).exit_code, 65);
}

// NXP's nano-package and the example of its plug-and-trust middleware, as they come: only the library that
// stands for /dev/i2c-1 is put in front. The variables name the built programs (docs/se05x.md says how to
// build them).
class NxpHostTest : public ProgramTest {
 protected:
  // Public test keys of the nano-package's tests; the middleware reads them from a file.
  std::string key_file() {
    const std::string stem = "ABCDABCDABCDABCDABCDABCDABCD000";
    return folder_.write("keys", "ENC " + stem + "1\nMAC " + stem + "2\nDEK " + stem + "3\n");
  }
  test_support::ProgramResult run(const char* program, std::vector<std::string> options = {}) {
    const auto socket = (folder_ / "socket").string();
    const auto keys = key_file();
    options.insert(options.end(), {"--listen", "unix:" + socket, "--scp03-keys", keys});
    const Program simulator(options);
    return test_support::run_program({"env", "LD_PRELOAD=" SE05X_I2C_LIBRARY, "CAMVAULT_SE05X_SIM=" + socket,
                                      "EX_SSS_BOOT_SCP03_PATH=" + keys, program});
  }
  static std::size_t count(std::string_view text, std::string_view what) {
    std::size_t out = 0;
    for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++out;
    return out;
  }
  void nano(const char* variable) {
    const char* program = std::getenv(variable);
    if (program == nullptr) GTEST_SKIP() << variable << " names no program: NXP's nano-package is not run";
    for (const std::vector<std::string>& options :
         {std::vector<std::string>{},
          {"--chunk", "32"},
          {"--fault", "flip-crc@20", "--fault", "more-time:3@30"}}) {
      const auto done = run(program, options);
      EXPECT_EQ(count(done.output, "PASSED"), 49u) << done.output;
      EXPECT_EQ(count(done.output, "FAILED"), 0u) << done.output;
      EXPECT_NE(done.output.find("framework_tests completed"), std::string::npos);
    }
  }
  void example(const char* variable, std::vector<std::string> options = {}) {
    const char* program = std::getenv(variable);
    if (program == nullptr) GTEST_SKIP() << variable << " names no program: NXP's middleware is not run";
    const auto done = run(program, std::move(options));
    EXPECT_EQ(done.exit_code, 0) << done.output;
    EXPECT_NE(done.output.find("ex_sss_ecc Example Success"), std::string::npos) << done.output;
  }
};

TEST_F(NxpHostTest, NanoPackageInClear) {
  nano("CAMVAULT_NXP_NANO_PLAIN");
}
TEST_F(NxpHostTest, NanoPackageWithScp03) {
  nano("CAMVAULT_NXP_NANO_SCP03");
}
TEST_F(NxpHostTest, MiddlewareInClear) {
  example("CAMVAULT_NXP_ECC_PLAIN");
}
TEST_F(NxpHostTest, MiddlewareWithScp03) {
  example("CAMVAULT_NXP_ECC_SCP03");
}
TEST_F(NxpHostTest, OldMiddlewareWithScp03) {
  example("CAMVAULT_NXP_ECC_SCP03_APPLET3", {"--applet", "3.1"});
}

TEST_F(NxpHostTest, RefusesAWrongKeyAndTouchedAnswers) {
  const char* program = std::getenv("CAMVAULT_NXP_NANO_SCP03");
  if (program == nullptr) GTEST_SKIP() << "CAMVAULT_NXP_NANO_SCP03 names no program";
  {
    const auto socket = (folder_ / "socket").string();
    const Program simulator({"--listen", "unix:" + socket});  // with other keys
    const auto done = test_support::run_program(
        {"env", "LD_PRELOAD=" SE05X_I2C_LIBRARY, "CAMVAULT_SE05X_SIM=" + socket, program});
    EXPECT_EQ(count(done.output, "Created scp03 Session"), 0u) << done.output;
    EXPECT_EQ(count(done.output, "PASSED"), 1u) << "the one test that needs no element\n" << done.output;
  }
  for (const auto& fault : {"alter@12", "truncate@12", "replay@12"}) {
    const auto done = run(program, {"--fault", fault});
    EXPECT_GT(count(done.output, "FAILED"), 0u) << fault << done.output;
  }
}

}  // namespace
}  // namespace camvault::se05x_sim

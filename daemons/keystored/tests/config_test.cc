#include "config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "camvault/test_support/temporary_folder.h"
#include "options.h"

namespace camvault::keystored {
namespace {

using keystore::Operation;

bool may(const Config& config, std::uint32_t uid, Operation operation, std::string_view application) {
  return config.rules.why_not({.uid = uid, .gid = 0, .pid = 0}, operation, application) == nullptr;
}

TEST(Config, ReadsApplicationsByNumberAndName) {
  const auto config = parse_config(R"(
audit = "changes-and-refusals"
[limits]
connections = 10
frame_ms = 100
[[application]]
name = "camera"
uid = 1000
users = [1001, "root"]
provisioners = [1002]
[[application]]
name = "factory"
uid = 1003
managers = []
)");
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->limits.connections, 10u);
  EXPECT_EQ(config->limits.connections_per_uid, 64u);
  EXPECT_EQ(config->limits.frame_time, std::chrono::milliseconds(100));
  EXPECT_EQ(config->audit, AuditLevel::changes_and_refusals);
  EXPECT_TRUE(may(*config, 1000, Operation::generate, "camera"));  // its own manager unless somebody else is
  EXPECT_TRUE(may(*config, 0, Operation::sign_digest, "camera"));
  EXPECT_FALSE(may(*config, 0, Operation::generate, "camera"));
  EXPECT_TRUE(may(*config, 1002, Operation::import_key, "camera"));
  EXPECT_FALSE(may(*config, 1000, Operation::import_key, "camera"));
  EXPECT_FALSE(may(*config, 1003, Operation::generate, "factory"));
  EXPECT_TRUE(may(*config, 1003, Operation::mac, "factory"));
}

TEST(Config, AnEmptyFileAllowsNothing) {
  const auto config = parse_config("");
  ASSERT_TRUE(config);
  EXPECT_FALSE(may(*config, 0, Operation::list, ""));
}

// AX-3.1-3.
TEST(Config, BackendsAreOneLineEachAndTheFirstTakesNewKeys) {
  EXPECT_EQ(parse_config("").value().backends.front().name, "software");
  const auto two = parse_config(
      "[[backend]]\ntype = \"software\"\n[[backend]]\nname = \"spare\"\ntype = \"software\"\n"
      "[[application]]\nname = \"a\"\nuid = 1\nbackend = \"spare\"\n");
  ASSERT_TRUE(two) << two.error().what;
  ASSERT_EQ(two->backends.size(), 2u);
  EXPECT_EQ(two->backends[0].name, "software");
  EXPECT_EQ(two->backends[1].name, "spare");
  EXPECT_EQ(two->backends[0].deadline, std::chrono::seconds(30));
  EXPECT_EQ(parse_config("[[backend]]\ntype = \"software\"\ndeadline = 2.5\n").value().backends[0].deadline,
            std::chrono::milliseconds(2500));
  for (const auto* bad : {"0", "0.4", "3601", "-1", "nan", "\"10\"", "true"}) {
    EXPECT_EQ(
        parse_config("[[backend]]\ntype = \"software\"\ndeadline = " + std::string(bad) + "\n").error().code,
        Errc::usage)
        << bad;
  }
  const std::string software = "[[backend]]\ntype = \"software\"\n";
  for (const auto& text :
       {software + software, std::string("[[backend]]\ntype = \"abacus\"\n"), std::string("[[backend]]\n"),
        software + "module = \"/x.so\"\n", software + "name = \"A\"\n", software + "name = 1\n",
        std::string("backend = \"software\"\n"),
        std::string("[[application]]\nname = \"a\"\nuid = 1\nbackend = \"tpm2\"\n")}) {
    EXPECT_FALSE(parse_config(text)) << text;
  }
  std::string nine;
  for (int i = 0; i < 9; ++i) nine += software + "name = \"b" + std::to_string(i) + "\"\n";
  EXPECT_EQ(parse_config(nine).error().code, Errc::limit);
}

TEST(Config, RefusesWhatItDoesNotKnow) {
  const std::string application = "[[application]]\nname = \"a\"\nuid = 1\n";
  ASSERT_TRUE(parse_config(application));
  for (const std::string text :
       {"unknown = 1\n", "[limits]\nconections = 1\n", "[limits]\nconnections = 0\n",
        "[limits]\nconnections = 5000\n", "[limits]\nconnections = \"5\"\n", "limits = 1\n",
        "audit = \"none\"\n", "audit = 1\n", "application = 1\n", "application = [1]\n",
        "[[application]]\nname = \"a\"\n", "[[application]]\nuid = 1\n",
        "[[application]]\nname = \"A\"\nuid = 1\n", "[[application]]\nname = \"a\"\nuid = -1\n",
        "[[application]]\nname = \"a\"\nuid = 4294967295\n", "[[application]]\nname = \"a\"\nuid = 1.0\n",
        "[[application]]\nname = \"a\"\nuid = \"no-such-user-here\"\n", "not toml"}) {
    EXPECT_FALSE(parse_config(text)) << text;
  }
  for (const std::string more : {"user = [1]\n", "users = 1\n", "users = [true]\n", "import = 1\n",
                                 "managers = \"a\"\n", "backend = 1\n"}) {
    EXPECT_FALSE(parse_config(application + more)) << more;
  }
  EXPECT_FALSE(parse_config(application + application));
}

TEST(Config, MustNotBeWritableByOthers) {
  const test_support::TemporaryFolder folder;
  const std::filesystem::path file = folder.write("keystored.toml", "");
  EXPECT_TRUE(load_config(file));
  ASSERT_EQ(::chmod(file.c_str(), 0664), 0);
  EXPECT_EQ(load_config(file).error().code, Errc::denied);
  ASSERT_EQ(::chmod(file.c_str(), 0646), 0);
  EXPECT_EQ(load_config(file).error().code, Errc::denied);
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  EXPECT_TRUE(load_config(file));
  EXPECT_EQ(load_config(folder / "none").error().code, Errc::not_found);
}

TEST(Config, MustBelongToRootOrToUs) {
  if (::geteuid() != 0) GTEST_SKIP() << "a file of another owner: only root can make one";
  const test_support::TemporaryFolder folder;
  const std::filesystem::path file = folder.write("keystored.toml", "");
  EXPECT_TRUE(load_config(file));
  ASSERT_EQ(::chown(file.c_str(), 12, 12), 0);
  EXPECT_EQ(load_config(file).error().code, Errc::denied);
}

TEST(Options, PutEverythingBelowTheRoot) {
  const char* arguments[] = {"keystored", "--root", "/somewhere", "--ready-fd=7", "--user", "12"};
  const auto options = parse_options(6, arguments).value();
  EXPECT_EQ(options.config, "/somewhere/etc/camvault/keystored.toml");
  EXPECT_EQ(options.socket, "/somewhere/run/camvault/keystored.sock");
  EXPECT_EQ(options.state, "/somewhere/var/lib/camvault/keystored");
  EXPECT_EQ(options.ready_fd, 7);
  const char* none[] = {"keystored"};
  EXPECT_EQ(parse_options(1, none)->socket, "/run/camvault/keystored.sock");
}

TEST(Options, RefusesWhatItDoesNotKnow) {
  for (const char* bad :
       {"--roots", "--root", "--ready-fd=x", "--ready-fd=-1", "--ready-fd=1x", "file", "--user="}) {
    const char* arguments[] = {"keystored", bad};
    EXPECT_EQ(parse_options(2, arguments).error().code, Errc::usage) << bad;
  }
}

}  // namespace
}  // namespace camvault::keystored

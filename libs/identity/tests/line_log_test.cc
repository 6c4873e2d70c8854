#include "line_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::identity {
namespace {

class LineLogTest : public testing::Test {
 protected:
  Result<LineLog> open() {
    seen_.clear();
    return LineLog::open(folder_ / "log", *engine_, [&](const nlohmann::json& line) -> Status {
      seen_.push_back(line.value("say", ""));
      return ok();
    });
  }
  test_support::TemporaryFolder folder_;
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  std::vector<std::string> seen_;
};

TEST_F(LineLogTest, LinesComeBackInOrder) {
  for (const auto* word : {"one", "two", "three"}) {
    auto log = open();
    ASSERT_TRUE(log);
    ASSERT_TRUE(log->append({{"say", word}}));
  }
  ASSERT_TRUE(open());
  EXPECT_EQ(seen_, (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(LineLogTest, ALineCutOffAtAnyByteIsRemovedAndTheRestStays) {
  {
    auto log = open();
    ASSERT_TRUE(log->append({{"say", "one"}}));
    ASSERT_TRUE(log->append({{"say", "two"}}));
  }
  const auto text = folder_.read("log");
  const auto first_end = text.find('\n') + 1;
  for (std::size_t size = first_end; size < text.size(); ++size) {
    folder_.write("log", text.substr(0, size));
    auto log = open();
    ASSERT_TRUE(log) << size;
    ASSERT_EQ(seen_, std::vector<std::string>{"one"}) << size;
    ASSERT_TRUE(log->append({{"say", "2"}}));
    ASSERT_TRUE(open());
    ASSERT_EQ(seen_, (std::vector<std::string>{"one", "2"})) << size;
  }
}

TEST_F(LineLogTest, ALongLineIsRefusedBeforeItIsWritten) {
  auto log = open();
  EXPECT_EQ(log->append({{"say", std::string(5000, 'x')}}).error().code, Errc::limit);
  EXPECT_TRUE(log->append({{"say", "short"}}));
  ASSERT_TRUE(open());
  EXPECT_EQ(seen_, std::vector<std::string>{"short"});
}

// A full disk: the piece that went in is taken out again, and the next line goes on from the last good one.
TEST_F(LineLogTest, WhenThereIsNoRoomTheLogStaysWhole) {
  auto log = open();
  ASSERT_TRUE(log->append({{"say", "one"}}));
  const auto size = static_cast<rlim_t>(std::filesystem::file_size(folder_ / "log"));
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit tight {
    size + 10, before.rlim_max
  };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto refused = log->append({{"say", "two"}});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(refused.error().code, Errc::io);
  EXPECT_EQ(std::filesystem::file_size(folder_ / "log"), size);
  EXPECT_TRUE(log->append({{"say", "three"}}));
  ASSERT_TRUE(open());
  EXPECT_EQ(seen_, (std::vector<std::string>{"one", "three"}));
}

}  // namespace
}  // namespace camvault::identity

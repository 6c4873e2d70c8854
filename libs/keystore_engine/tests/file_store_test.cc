#include "camvault/keystore_engine/file_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "camvault/test_support/temporary_folder.h"

namespace camvault::keystore_engine {
namespace {

class FileStoreTest : public testing::Test {
 protected:
  test_support::TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path() / "keys";
};

TEST_F(FileStoreTest, KeepsWhatItCreatesAndNeverReplaces) {
  auto store = FileStore::open(folder_).value();
  ASSERT_TRUE(store.create("b", as_bytes("two")));
  ASSERT_TRUE(store.create("a", as_bytes("one")));
  EXPECT_EQ(store.create("a", as_bytes("other")).error().code, Errc::exists);
  EXPECT_EQ(as_text(store.read("a").value()), "one");
  EXPECT_EQ(store.names().value(), (std::vector<std::string>{"a", "b"}));
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  ASSERT_EQ(::stat(folder_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0700u);
  ASSERT_TRUE(store.remove("a"));
  EXPECT_EQ(store.remove("a").error().code, Errc::not_found);
  EXPECT_EQ(store.read("a").error().code, Errc::not_found);
}

TEST_F(FileStoreTest, ReadsPlainFilesOfPlainSizesOnly) {
  const auto store = FileStore::open(folder_).value();
  std::ofstream(folder_ / "large") << std::string(FileStore::kMaxFileSize + 1, 'x');
  EXPECT_EQ(store.read("large").error().code, Errc::malformed);
  std::ofstream(folder_ / "full") << std::string(FileStore::kMaxFileSize, 'x');
  EXPECT_TRUE(store.read("full"));
  ASSERT_EQ(::symlink("full", (folder_ / "link").c_str()), 0);
  EXPECT_FALSE(store.read("link"));
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(store.read("pipe").error().code, Errc::malformed);  // and does not wait for a writer
  ASSERT_EQ(::mkdir((folder_ / "folder").c_str(), 0700), 0);
  EXPECT_FALSE(store.read("folder"));
  EXPECT_FALSE(FileStore::open(folder_ / "full"));
}

// Stops the process at every step of create and remove: what was there before and what was finished is there
// afterwards, whole, and nothing else.
TEST_F(FileStoreTest, SurvivesAnEndAtEveryStep) {
  const std::string content(1000, 'k');
  int steps_seen = 0;
  for (int last_step = 1; last_step < 100; ++last_step) {
    std::filesystem::remove_all(folder_);
    ASSERT_TRUE(FileStore::open(folder_).value().create("old", as_bytes(content)));
    int report[2];
    ASSERT_EQ(::pipe(report), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      int step = 0;
      auto store = FileStore::open(folder_, [&](std::string_view) {
        if (++step == last_step) ::raise(SIGKILL);
      });
      if (!store || !store->create("new", as_bytes(content))) ::_exit(1);
      [[maybe_unused]] auto n = ::write(report[1], "c", 1);
      if (!store->remove("old")) ::_exit(1);
      n = ::write(report[1], "r", 1);
      ::_exit(0);
    }
    ::close(report[1]);
    int status = 0;
    ::waitpid(child, &status, 0);
    char done[2];
    const auto count = ::read(report[0], done, sizeof done);
    ::close(report[0]);

    const auto store = FileStore::open(folder_).value();
    const auto names = store.names().value();
    const auto has = [&](const char* name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    for (const auto& name : names)
      EXPECT_EQ(as_text(store.read(name).value()), content) << "step " << last_step;
    EXPECT_TRUE(count < 1 || has("new")) << "step " << last_step;
    EXPECT_TRUE(count < 2 || !has("old")) << "step " << last_step;
    EXPECT_TRUE(has("old") || has("new"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}),
              static_cast<std::ptrdiff_t>(names.size()));
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      steps_seen = last_step - 1;
      break;
    }
  }
  EXPECT_EQ(steps_seen, 10);  // 7 of create, 3 of remove
}

}  // namespace
}  // namespace camvault::keystore_engine

#include "camvault/base/file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

namespace camvault {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/camvault-file-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FileTest, AtomicWriteReplacesAndSetsTheMode) {
  const auto path = folder_ / "state";
  ASSERT_TRUE(write_file_atomically(path, as_bytes("one"), 0600));
  ASSERT_TRUE(write_file_atomically(path, as_bytes("two"), 0600));
  EXPECT_EQ(as_text(read_file(path, 10).value()), "two");
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);  // no temporary left
}

TEST_F(FileTest, LimitsAndMissingFilesAreErrors) {
  const auto path = folder_ / "big";
  ASSERT_TRUE(write_file_atomically(path, Bytes(11)));
  EXPECT_EQ(read_file(path, 10).error().code, Errc::limit);
  EXPECT_EQ(read_file(folder_ / "none", 10).error().code, Errc::not_found);
  EXPECT_EQ(write_file_atomically(folder_ / "no" / "dir", {}).error().code, Errc::not_found);
}

TEST_F(FileTest, MapsWholeFilesAndEmptyOnes) {
  ASSERT_TRUE(write_file_atomically(folder_ / "f", as_bytes("content")));
  EXPECT_EQ(as_text(MappedFile::open(folder_ / "f").value().bytes()), "content");
  ASSERT_TRUE(write_file_atomically(folder_ / "empty", {}));
  EXPECT_TRUE(MappedFile::open(folder_ / "empty").value().bytes().empty());
  EXPECT_FALSE(MappedFile::open(folder_));
}

}  // namespace
}  // namespace camvault

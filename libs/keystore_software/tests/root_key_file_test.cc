#include "camvault/keystore_software/root_key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "camvault/base/file.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::keystore_software {
namespace {

class RootKeyFile : public testing::Test {
 protected:
  Errc error(bool may_create = true) {
    const auto opened = open_root_key(path_, may_create);
    return opened ? Errc::internal : opened.error().code;
  }
  test_support::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "root.key";
};

TEST_F(RootKeyFile, IsMadeOnceForItsOwnerOnly) {
  EXPECT_EQ(error(false), Errc::not_found);
  auto first = open_root_key(path_, true).value();
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  const auto content = read_file(path_, 100).value();
  EXPECT_EQ(content.size(), 52u);
  const auto sealed = first->seal(Secret(as_bytes("a key")), as_bytes("its name")).value();
  auto second = open_root_key(path_, true).value();
  EXPECT_EQ(read_file(path_, 100).value(), content);
  EXPECT_TRUE(second->open(sealed, as_bytes("its name")).value().equals(as_bytes("a key")));
}

TEST_F(RootKeyFile, OpensNothingThatWasChangedOrSealedByAnother) {
  auto root_key = open_root_key(path_, true).value();
  const auto sealed = root_key->seal(Secret(as_bytes("a key")), as_bytes("its name")).value();
  EXPECT_EQ(sealed.size(), 32u + 12 + 5 + 16);
  EXPECT_NE(sealed, root_key->seal(Secret(as_bytes("a key")), as_bytes("its name")).value());
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    auto changed = sealed;
    changed[at] ^= 0x80;
    EXPECT_EQ(root_key->open(changed, as_bytes("its name")).error().code, Errc::invalid) << at;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(root_key->open(BytesView(sealed).first(size), as_bytes("its name"))) << size;
  }
  EXPECT_FALSE(root_key->open(sealed, as_bytes("other name")));
  EXPECT_FALSE(make_volatile_root_key()->open(sealed, as_bytes("its name")));
}

TEST_F(RootKeyFile, RefusesFilesThatOthersCouldHaveReadOrMade) {
  ASSERT_TRUE(open_root_key(path_, true));
  for (const mode_t mode : {0640u, 0604u, 0660u, 0666u, 0610u}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    EXPECT_EQ(error(), Errc::denied) << std::oct << mode;
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  EXPECT_TRUE(open_root_key(path_, false));
  const auto other = folder_ / "other";
  ASSERT_EQ(::rename(path_.c_str(), other.c_str()), 0);
  ASSERT_EQ(::symlink(other.c_str(), path_.c_str()), 0);
  EXPECT_FALSE(open_root_key(path_, true));
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(error(), Errc::denied);
}

TEST_F(RootKeyFile, RefusesFilesOfAnotherOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "files of another owner: only root can make one";
  ASSERT_TRUE(open_root_key(path_, true));
  ASSERT_EQ(::chown(path_.c_str(), 12, 12), 0);
  EXPECT_EQ(error(), Errc::denied);
}

TEST_F(RootKeyFile, RefusesDamage) {
  ASSERT_TRUE(open_root_key(path_, true));
  const auto good = read_file(path_, 100).value();
  for (const std::size_t size : {std::size_t{0}, std::size_t{20}, std::size_t{51}}) {
    ASSERT_TRUE(write_file_atomically(path_, BytesView(good).first(size), 0600));
    EXPECT_EQ(error(), Errc::malformed) << size;
  }
  auto changed = good;
  changed.push_back(0);
  ASSERT_TRUE(write_file_atomically(path_, changed, 0600));
  EXPECT_EQ(error(), Errc::malformed);
  changed = good;
  changed[18] = '2';  // the version
  ASSERT_TRUE(write_file_atomically(path_, changed, 0600));
  EXPECT_EQ(error(), Errc::malformed);
}

}  // namespace
}  // namespace camvault::keystore_software

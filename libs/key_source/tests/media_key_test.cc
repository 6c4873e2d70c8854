// Which key signs, and who still uses an older one. SP-4.2.7
#include "camvault/key_source/media_key.h"

#include <gtest/gtest.h>

#include "camvault/base/file.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::key_source {
namespace {

TEST(MediaKey, OneFileSaysKeyAndChain) {
  const test_support::TemporaryFolder folder;
  const auto file = folder.path() / "media-signing-current.pem";
  EXPECT_EQ(read_media_key(file).value(), std::nullopt);
  ASSERT_TRUE(write_media_key(file, {"camera/media-signing-2", "chain\n"}));
  const auto read = read_media_key(file).value();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->key, "camera/media-signing-2");
  EXPECT_EQ(read->chain_pem, "chain\n");
  for (const std::string wrong : {"", "chain\n", "key: camera/x", "key: ../x y\nchain\n", "key: \nchain\n"}) {
    ASSERT_TRUE(write_file_atomically(file, as_bytes(wrong)));
    const auto refused = read_media_key(file);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, Errc::malformed) << wrong;
  }
}

TEST(MediaKey, AKeyIsTakenAwayWhenNobodySignsWithIt) {
  const test_support::TemporaryFolder folder;
  const auto file = folder.path() / "media-signing-current.pem";
  const std::string key = "camera/media-signing-2";
  EXPECT_EQ(KeyUse::begin(file, key).error().code, Errc::not_found);  // never prepared
  ASSERT_TRUE(KeyUse::prepare(file, key));
  {
    const auto one = KeyUse::begin(file, key);
    const auto two = KeyUse::begin(file, key);
    ASSERT_TRUE(one && two);
    EXPECT_EQ(KeyUse::retire(file, key).error().code, Errc::unavailable);
  }
  {
    const auto retired = KeyUse::retire(file, key);
    ASSERT_TRUE(retired) << retired.error().what;
    EXPECT_EQ(KeyUse::begin(file, key).error().code, Errc::not_found);  // while it is being taken away
    KeyUse::forget(file, key);
  }
  EXPECT_EQ(KeyUse::begin(file, key).error().code, Errc::not_found);
  EXPECT_TRUE(KeyUse::retire(file, key));  // once more, after a crash
}

}  // namespace
}  // namespace camvault::key_source

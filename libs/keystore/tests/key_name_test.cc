#include "camvault/keystore/key_name.h"

#include <gtest/gtest.h>

namespace camvault::keystore {
namespace {

TEST(KeyName, HasTwoPartsOfTheGivenAlphabet) {
  const auto name = KeyName::parse("camera.1/media_signing-2").value();
  EXPECT_EQ(name.application(), "camera.1");
  EXPECT_EQ(name.name(), "media_signing-2");
  EXPECT_EQ(name.text(), "camera.1/media_signing-2");
  EXPECT_TRUE(KeyName::parse(std::string(63, 'a') + "/" + std::string(63, '0')));
}

TEST(KeyName, RefusesEverythingElse) {
  for (const std::string text : {"", "/", "a", "a/", "/a", "a/b/c", "A/b", "a/B", "a b/c", "a/b ", "a@b/c",
                                 "\xc3\xa4/b", "a//b", "a/b\n"}) {
    EXPECT_EQ(KeyName::parse(text).error().code, Errc::usage) << text;
  }
  EXPECT_FALSE(KeyName::parse(std::string(64, 'a') + "/b"));
  EXPECT_FALSE(KeyName::parse("a/" + std::string(64, 'b')));
  EXPECT_FALSE(KeyName::parse(std::string("a/b\0c", 5)));
  EXPECT_FALSE(KeyName::make("a/b", "c"));
}

}  // namespace
}  // namespace camvault::keystore

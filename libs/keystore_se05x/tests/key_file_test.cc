#include "camvault/keystore_se05x/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "camvault/test_support/temporary_folder.h"

namespace camvault::keystore_se05x {
namespace {

const std::string kEnc = "ENC 000102030405060708090a0b0c0d0e0f\n";
const std::string kMac = "MAC 101112131415161718191A1B1C1D1E1F\n";
const std::string kDek = "DEK 202122232425262728292a2b2c2d2e2f\n";

class KeyFileTest : public testing::Test {
 protected:
  Errc error_of(const std::string& content) {
    const auto keys = read_key_file(folder_.write("keys", content));
    return keys ? Errc::internal : keys.error().code;
  }
  test_support::TemporaryFolder folder_;
};

TEST_F(KeyFileTest, ReadsTheFormThatNxpsToolsRead) {
  const auto keys =
      read_key_file(folder_.write("keys", "# of the first batch\n" + kMac + "\n" + kEnc + kDek)).value();
  EXPECT_TRUE(keys.encryption.equals(from_hex("000102030405060708090a0b0c0d0e0f").value()));
  EXPECT_TRUE(keys.authentication.equals(from_hex("101112131415161718191a1b1c1d1e1f").value()));
  EXPECT_TRUE(keys.data.equals(from_hex("202122232425262728292a2b2c2d2e2f").value()));
}

TEST_F(KeyFileTest, RefusesOtherContent) {
  EXPECT_EQ(error_of(kEnc + kMac), Errc::malformed);
  EXPECT_EQ(error_of(kEnc + kMac + kDek + kDek), Errc::malformed);
  EXPECT_EQ(error_of(kEnc + kMac + "DEK 2021\n"), Errc::malformed);
  EXPECT_EQ(error_of(kEnc + kMac + "DEK 2g2122232425262728292a2b2c2d2e2f\n"), Errc::malformed);
  EXPECT_EQ(error_of(kEnc + kMac + kDek + "KEK 00\n"), Errc::malformed);
  EXPECT_EQ(error_of(kEnc + kMac + "DEK " + std::string(64, '0') + "\n"), Errc::malformed);
  EXPECT_EQ(error_of(""), Errc::malformed);
  EXPECT_EQ(error_of(kEnc + kMac + kDek + "#" + std::string(5000, ' ')), Errc::limit);
}

TEST_F(KeyFileTest, ReadsTheKeyOfASession) {
  const auto error_of_login = [&](const std::string& content) {
    const auto key = read_login_file(folder_.write("login", content));
    return key ? Errc::internal : key.error().code;
  };
  const auto key = read_login_file(folder_.write("login", "AES 000102030405060708090a0b0c0d0e0f\n")).value();
  EXPECT_TRUE(key.equals(from_hex("000102030405060708090a0b0c0d0e0f").value()));
  EXPECT_EQ(error_of_login(kEnc), Errc::malformed);
  EXPECT_EQ(error_of_login(""), Errc::malformed);
  EXPECT_EQ(error_of_login("AES 00\n"), Errc::malformed);
}

// SP-4.2.10: the keys of the channel are for keystored only.
TEST_F(KeyFileTest, RefusesFilesThatOthersCanReach) {
  const auto path = folder_.write("keys", kEnc + kMac + kDek);
  ASSERT_TRUE(read_key_file(path));
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(read_key_file(path).error().code, Errc::denied);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  std::filesystem::create_symlink(path, folder_ / "link");
  EXPECT_EQ(read_key_file(folder_ / "link").error().code, Errc::denied);
  EXPECT_EQ(read_key_file(folder_ / "none").error().code, Errc::not_found);
  EXPECT_EQ(read_key_file(folder_.path()).error().code, Errc::denied);
}

}  // namespace
}  // namespace camvault::keystore_se05x

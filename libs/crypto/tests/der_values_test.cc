#include "camvault/crypto/der_values.h"

#include <gtest/gtest.h>

namespace camvault::crypto {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

TEST(Der, EcdsaSignaturesBecomeNumbersOfTheCurvesSize) {
  const auto raw = raw_signature(KeyAlg::ec_p256, hex("3007020101020200ff")).value();
  ASSERT_EQ(raw.size(), 64u);
  EXPECT_EQ(raw[31], 1);
  EXPECT_EQ(raw[63], 0xff);
  for (const auto* broken : {"3007020101020200ff00",  // a byte more
                             "3007020101020200",      // a byte less
                             "30070201010202007f",    // needless zero
                             "3007020101020280ff",    // a negative number
                             "308107020101020200ff",  // the longer form of the length
                             "3006020101020200ff",    // a length that does not fit
                             "3107020101020200ff", "30050201010200"}) {
    EXPECT_FALSE(raw_signature(KeyAlg::ec_p256, hex(broken))) << broken;
  }
  Bytes longer = hex("3045022101");
  append(longer, Bytes(32, 1));
  append(longer, hex("0220"));
  append(longer, Bytes(32, 1));
  EXPECT_FALSE(raw_signature(KeyAlg::ec_p256, longer));
  EXPECT_TRUE(raw_signature(KeyAlg::ec_p384, longer));
}

TEST(Der, DigestInfoInItsOneFormOnly) {
  auto info = hex("3031300d060960864801650304020105000420");
  append(info, Bytes(32, 9));
  const auto read = read_digest_info(info);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->hash, HashAlg::sha256);
  EXPECT_EQ(read->digest.size, 32);
  for (std::size_t i = 0; i < 19; ++i) {  // every byte in front of the digest counts
    auto changed = info;
    changed[i] ^= 1;
    EXPECT_FALSE(read_digest_info(changed)) << i;
  }
  for (std::size_t size = 0; size < info.size(); ++size)
    EXPECT_FALSE(read_digest_info(BytesView(info).first(size)));
}

TEST(Der, PublicKeysOfTheExpectedTypeOnly) {
  auto p256 =
      hex("3059301306072a8648ce3d020106082a8648ce3d030107034200"
          "04");
  append(p256, Bytes(64, 3));
  const auto numbers = read_public_key(KeyAlg::ec_p256, p256);
  ASSERT_TRUE(numbers);
  EXPECT_EQ(to_hex(numbers->curve), "06082a8648ce3d030107");
  EXPECT_EQ(numbers->point.size(), 65u);
  EXPECT_FALSE(read_public_key(KeyAlg::ec_p384, p256));
  EXPECT_FALSE(read_public_key(KeyAlg::ed25519, p256));
  EXPECT_FALSE(read_public_key(KeyAlg::rsa_2048, p256));
  for (std::size_t size = 0; size < p256.size(); ++size)
    EXPECT_FALSE(read_public_key(KeyAlg::ec_p256, BytesView(p256).first(size)));
}

TEST(Der, NoBytesAreNoCertificate) {
  EXPECT_FALSE(read_certificate({}));
  EXPECT_FALSE(read_certificate(hex("30023000")));
  EXPECT_FALSE(read_certificate(hex("3084ffffffff")));
}

}  // namespace
}  // namespace camvault::crypto

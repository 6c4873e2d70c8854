// The primitives against vectors of their standards.
#include "openssl.h"

#include <gtest/gtest.h>

namespace camvault::keystore_software::openssl {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

// McGrew and Viega, The Galois/Counter Mode of Operation, test case 16.
TEST(GcmVectors, Case16) {
  const auto key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const auto nonce = hex("cafebabefacedbaddecaf888");
  const auto additional = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const auto plain =
      hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b1"
          "6aedf5aa0de657ba637b39");
  const auto sealed =
      hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5"
          "f61e6393ba7a0abcc9f662"
          "76fc6ece0f4e1768cddf8853bb2d551b");
  EXPECT_EQ(gcm_seal(key, nonce, additional, plain).value(), sealed);
  EXPECT_TRUE(gcm_open(key, nonce, additional, sealed).value().equals(plain));
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    auto changed = sealed;
    changed[at] ^= 1;
    EXPECT_EQ(gcm_open(key, nonce, additional, changed).error().code, Errc::invalid);
  }
  EXPECT_FALSE(gcm_open(key, nonce, {}, sealed));
  EXPECT_FALSE(gcm_seal(BytesView(key).first(16), nonce, additional, plain));
  EXPECT_FALSE(gcm_seal(key, BytesView(nonce).first(11), additional, plain));
}

// RFC 5869, A.1.
TEST(HkdfVectors, Sha256Basic) {
  const auto okm =
      hkdf_sha256(Bytes(22, 0x0b), hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"), 42)
          .value();
  EXPECT_TRUE(okm.equals(
      hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")));
}

// RFC 4231, 4.3.
TEST(HmacVectors, Case2) {
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?")).value()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace camvault::keystore_software::openssl

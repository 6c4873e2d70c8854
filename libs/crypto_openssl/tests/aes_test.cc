#include "camvault/crypto_openssl/aes.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace camvault::crypto_openssl {
namespace {

// SP 800-38A and RFC 4493 use one key and one message.
const Bytes kKey = from_hex("2b7e151628aed2a6abf7158809cf4f3c").value();
const Bytes kMessage = from_hex(
                           "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                           "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
                           .value();

AesBlock block(std::string_view hex) {
  AesBlock out{};
  const auto bytes = from_hex(hex).value();
  std::copy_n(bytes.begin(), out.size(), out.begin());
  return out;
}
std::string cmac(BytesView key, BytesView message) {
  return to_hex(aes_cmac(key, message).value());
}

TEST(Aes, CbcAsInSp80038aF21) {
  const auto iv = block("000102030405060708090a0b0c0d0e0f");
  const auto sealed = aes_cbc_encrypt(kKey, iv, kMessage).value();
  EXPECT_EQ(to_hex(sealed),
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
            "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7");
  EXPECT_TRUE(aes_cbc_decrypt(kKey, iv, sealed).value().equals(kMessage));
  EXPECT_TRUE(aes_cbc_encrypt(kKey, iv, {}).value().empty());
}

TEST(Aes, OneBlockAsInSp80038aF11) {
  EXPECT_EQ(to_hex(aes_encrypt_block(kKey, block("6bc1bee22e409f96e93d7e117393172a")).value()),
            "3ad77bb40d7a3660a89ecaf32466ef97");
}

TEST(Aes, CmacAsInRfc4493AndSp80038b) {
  EXPECT_EQ(cmac(kKey, {}), "bb1d6929e95937287fa37d129b756746");
  EXPECT_EQ(cmac(kKey, BytesView(kMessage).first(16)), "070a16b46b4d4144f79bdd9dd04a287c");
  EXPECT_EQ(cmac(kKey, BytesView(kMessage).first(40)), "dfa66747de9ae63030ca32611497c827");
  EXPECT_EQ(cmac(kKey, kMessage), "51f0bebf7e3b9d92fc49741779363cfe");
  // D.3, AES-256
  const auto key = from_hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4").value();
  EXPECT_EQ(cmac(key, BytesView(kMessage).first(16)), "28a7023f452e8f82bd4bf28d8c37c35c");
}

TEST(Aes, RefusesOtherSizes) {
  const AesBlock iv{};
  EXPECT_EQ(aes_cbc_encrypt(kKey, iv, BytesView(kMessage).first(17)).error().code, Errc::usage);
  EXPECT_EQ(aes_cbc_decrypt(kKey, iv, BytesView(kMessage).first(15)).error().code, Errc::usage);
  EXPECT_EQ(aes_cbc_encrypt(BytesView(kKey).first(15), iv, kMessage).error().code, Errc::usage);
  EXPECT_EQ(aes_cmac({}, kMessage).error().code, Errc::usage);
  EXPECT_EQ(aes_encrypt_block(BytesView(kMessage).first(17), iv).error().code, Errc::usage);
}

}  // namespace
}  // namespace camvault::crypto_openssl

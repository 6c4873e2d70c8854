// Numbers that begin with zero bytes, against every kind of module: coordinates, secret numbers, signatures,
// and keys that end in zeros. Each of them turns up once in 256 keys or signatures. SP-4.2.11, IP-4.4-1.
#include "camvault/base/byte_reader.h"
#include "camvault/keystore_software/software_backend.h"
#include "conformance.h"
#include "known_keys.h"

namespace camvault::conformance {
namespace {

class ZerosConformance : public Conformance {
 protected:
  // What the module makes of the key is what software makes of it.
  void imports(KeyType type, const Secret& key, const std::string& what) {
    const auto software = keystore_software::make_software_backend();
    const auto made = backend_->import_key(type, key);
    ASSERT_TRUE(made) << what << ": " << made.error().what;
    EXPECT_EQ(made->spki, software->import_key(type, key).value().spki) << what;
    for (const auto scheme : schemes_of(type)) {
      const auto open = opened(type, *made);
      const auto signed_well = signs(*open, type, made->spki, scheme, HashAlg::sha256);
      EXPECT_TRUE(signed_well) << what << ": " << signed_well.error().what;
    }
    reopen();
    const auto again = signs(type, *made);
    EXPECT_TRUE(again) << what << ": " << again.error().what;
  }
};

TEST_P(ZerosConformance, PointsThatBeginWithZeros) {
  CAM_NEEDS(backend_->capabilities().import, "import");
  // The secret number, and which coordinate of its point begins with a zero byte (of P-521: with fifteen zero
  // bits).
  const struct {
    KeyType type;
    const char* curve;
    unsigned long scalar;
    const char* what;
  } points[] = {{KeyType::ec_p256, "prime256v1", 379, "P-256, x"},
                {KeyType::ec_p256, "prime256v1", 43, "P-256, y"},
                {KeyType::ec_p256, "prime256v1", 49350, "P-256, x and y"},
                {KeyType::ec_p384, "secp384r1", 197, "P-384, x"},
                {KeyType::ec_p384, "secp384r1", 176, "P-384, y"},
                {KeyType::ec_p521, "secp521r1", 273, "P-521, x"},
                {KeyType::ec_p521, "secp521r1", 73, "P-521, y"}};
  for (const auto& point : points) {
    if (offers(point.type)) imports(point.type, ec_key(point.curve, point.scalar), point.what);
  }
}

TEST_P(ZerosConformance, AnRsaKeyWhoseNumbersAreShort) {
  CAM_NEEDS(backend_->capabilities().import && offers(KeyType::rsa_2048), "import of RSA-2048 keys");
  const auto key = rsa_key_of_short_numbers();
  imports(KeyType::rsa_2048, key, "RSA-2048");
  const auto made = backend_->import_key(KeyType::rsa_2048, key);
  ASSERT_TRUE(made) << made.error().what;
  const auto message = as_bytes(kMessageOfShortSignature);
  const auto signature =
      opened(KeyType::rsa_2048, *made)->sign_message(SignatureScheme::rsa_pkcs1v15, HashAlg::sha256, message);
  ASSERT_TRUE(signature) << signature.error().what;
  EXPECT_EQ(signature->size(), 256u);
  EXPECT_EQ(signature->front(), 0u);
  EXPECT_TRUE(openssl_->public_key_from_spki(made->spki)
                  .value()
                  ->verify_digest(SignatureScheme::rsa_pkcs1v15, HashAlg::sha256,
                                  openssl_->digest(HashAlg::sha256, message), *signature));
}

// Both numbers of a P-256 signature, each shorter than the curve once at least.
TEST_P(ZerosConformance, SignaturesWhoseNumbersAreShort) {
  CAM_NEEDS(offers(KeyType::ec_p256), "P-256 keys");
  constexpr int kMost = 5000;  // without either once in 10^8 runs
  const auto made = backend_->generate(KeyType::ec_p256).value();
  const auto key = opened(KeyType::ec_p256, made);
  const auto verifier = openssl_->public_key_from_spki(made.spki).value();
  bool short_first = false;
  bool short_second = false;
  int count = 0;
  for (; count < kMost && !(short_first && short_second); ++count) {
    const auto digest = openssl_->digest(HashAlg::sha256, as_bytes(std::to_string(count)));
    const auto signature = key->sign_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest);
    ASSERT_TRUE(signature) << count << ": " << signature.error().what;
    ASSERT_TRUE(verifier->verify_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest, *signature))
        << to_hex(*signature);
    // RFC 3279 2.2.3: a sequence of two numbers, in the shortest form.
    const auto first = (*signature)[3];
    const auto second = (*signature)[5u + first];
    short_first = short_first || first < 32;
    short_second = short_second || second < 32;
  }
  EXPECT_TRUE(short_first && short_second) << count;
}

TEST_P(ZerosConformance, SymmetricKeysThatBeginAndEndInZeros) {
  CAM_NEEDS(backend_->capabilities().import && offers(KeyType::hmac_sha256), "import of HMAC keys");
  const auto software = keystore_software::make_software_backend();
  for (const std::size_t zeros : {1u, 16u, 32u}) {
    for (const bool front : {true, false}) {
      Bytes value(32, 0x6b);
      if (front) {
        std::fill_n(value.begin(), zeros, std::uint8_t{0});
      } else {
        std::fill_n(value.rbegin(), zeros, std::uint8_t{0});
      }
      const Secret secret(value);
      const auto made = backend_->import_key(KeyType::hmac_sha256, secret);
      ASSERT_TRUE(made) << zeros << ": " << made.error().what;
      EXPECT_EQ(opened(KeyType::hmac_sha256, *made)->mac(as_bytes("x")).value(),
                software->open(KeyType::hmac_sha256, secret).value()->mac(as_bytes("x")).value());
      if (!offers(KeyType::aes_256)) continue;
      const auto aes = backend_->import_key(KeyType::aes_256, secret);
      ASSERT_TRUE(aes) << zeros << ": " << aes.error().what;
      const auto sealed = opened(KeyType::aes_256, *aes)->encrypt(as_bytes("x"), {}).value();
      EXPECT_TRUE(software->open(KeyType::aes_256, secret).value()->decrypt(sealed, {}));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, ZerosConformance, testing::ValuesIn(rig_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace camvault::conformance

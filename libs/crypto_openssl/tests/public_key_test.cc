#include <gtest/gtest.h>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/local_key.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::HashAlg;
using crypto::KeyAlg;
using crypto::SignatureScheme;

struct Case {
  KeyAlg alg;
  SignatureScheme scheme;
  HashAlg hash;
};

class Signatures : public testing::TestWithParam<Case> {};

TEST_P(Signatures, VerifyAndRefuseTheirNeighbours) {
  const auto [alg, scheme, hash] = GetParam();
  const auto engine = make_openssl_engine();
  const auto key = LocalKey::generate(alg).value();
  const auto stranger = LocalKey::generate(alg).value();
  const auto verifier = engine->public_key_from_spki(key->spki_der()).value();
  EXPECT_EQ(verifier->alg(), alg);
  EXPECT_EQ(verifier->spki_der(), key->spki_der());
  const auto digest = engine->digest(hash, as_bytes("message"));
  auto signature = key->sign(scheme, hash, digest).value();
  EXPECT_LE(signature.size(), crypto::max_signature_size(alg));
  EXPECT_TRUE(verifier->verify_digest(scheme, hash, digest, signature));

  EXPECT_FALSE(verifier->verify_digest(scheme, hash, engine->digest(hash, as_bytes("messagf")), signature));
  EXPECT_FALSE(engine->public_key_from_spki(stranger->spki_der())
                   .value()
                   ->verify_digest(scheme, hash, digest, signature));
  EXPECT_FALSE(verifier->verify_digest(scheme, hash, digest, {}));
  EXPECT_FALSE(
      verifier->verify_digest(scheme, hash, digest, BytesView(signature).first(signature.size() - 1)));
  EXPECT_FALSE(verifier->verify_message(as_bytes("message"), signature));
  auto longer = signature;
  longer.push_back(0);
  EXPECT_FALSE(verifier->verify_digest(scheme, hash, digest, longer));
  for (const std::size_t at : {std::size_t{0}, signature.size() / 2, signature.size() - 1}) {
    auto bent = signature;
    bent[at] ^= 1;
    EXPECT_FALSE(verifier->verify_digest(scheme, hash, digest, bent)) << at;
  }
  for (const auto other : {SignatureScheme::ecdsa, SignatureScheme::rsa_pss, SignatureScheme::rsa_pkcs1v15,
                           SignatureScheme::ed25519}) {
    if (other == scheme) continue;
    EXPECT_FALSE(verifier->verify_digest(other, hash, digest, signature));
  }
  const auto other_hash = hash == HashAlg::sha256 ? HashAlg::sha384 : HashAlg::sha256;
  EXPECT_FALSE(verifier->verify_digest(scheme, other_hash, digest, signature));
}

INSTANTIATE_TEST_SUITE_P(All, Signatures,
                         testing::Values(Case{KeyAlg::ec_p256, SignatureScheme::ecdsa, HashAlg::sha256},
                                         Case{KeyAlg::ec_p384, SignatureScheme::ecdsa, HashAlg::sha384},
                                         Case{KeyAlg::ec_p521, SignatureScheme::ecdsa, HashAlg::sha512},
                                         Case{KeyAlg::rsa_2048, SignatureScheme::rsa_pss, HashAlg::sha256},
                                         Case{KeyAlg::rsa_2048, SignatureScheme::rsa_pkcs1v15,
                                              HashAlg::sha512},
                                         Case{KeyAlg::rsa_3072, SignatureScheme::rsa_pss, HashAlg::sha384}));

// RFC 6979 A.2.5: P-256, SHA-256, message "sample".
TEST(PublishedVectors, EcdsaP256) {
  const auto engine = make_openssl_engine();
  const auto spki = from_hex(
                        "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
                        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299")
                        .value();
  const auto signature = from_hex(
                             "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                             "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8")
                             .value();
  const auto key = engine->public_key_from_spki(spki).value();
  const auto verify = [&](std::string_view message, BytesView s) {
    return key->verify_digest(SignatureScheme::ecdsa, HashAlg::sha256,
                              engine->digest(HashAlg::sha256, as_bytes(message)), s);
  };
  EXPECT_TRUE(verify("sample", signature));
  EXPECT_FALSE(verify("test", signature));
  // The same two numbers, r with one zero more than DER allows.
  auto padded = from_hex("304702220000").value();
  append(padded, BytesView(signature).subspan(5));
  EXPECT_FALSE(verify("sample", padded));
}

// RFC 8032 7.1, test 2.
TEST(PublishedVectors, Ed25519) {
  const auto spki =
      from_hex("302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const auto signature = from_hex(
                             "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                             "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
                             .value();
  const auto key = make_openssl_engine()->public_key_from_spki(spki.value()).value();
  EXPECT_TRUE(key->verify_message(Bytes{0x72}, signature));
  EXPECT_FALSE(key->verify_message(Bytes{0x73}, signature));
}

// Keys that are none, or that verify anything.
TEST(PublicKeys, MalformedAndWeakOnesAreRefused) {
  const auto engine = make_openssl_engine();
  const auto good = LocalKey::generate(KeyAlg::ec_p256).value()->spki_der();
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(engine->public_key_from_spki(BytesView(good).first(size))) << size;
  }
  auto bad = good;
  bad.push_back(0);
  EXPECT_EQ(engine->public_key_from_spki(bad).error().code, Errc::malformed);
  bad = good;
  bad.back() ^= 1;  // a point that is not on the curve
  EXPECT_FALSE(engine->public_key_from_spki(bad));
  EXPECT_EQ(engine->public_key_from_spki(Bytes(5000)).error().code, Errc::limit);
  // RSA with exponent 1: every encoded message would be its own signature. The key ends in INTEGER 65537.
  auto rsa = LocalKey::generate(KeyAlg::rsa_2048).value()->spki_der();
  ASSERT_EQ(to_hex(BytesView(rsa).last(5)), "0203010001");
  rsa[rsa.size() - 3] = 0;
  for (const unsigned last : {0u, 1u, 2u}) {
    rsa.back() = static_cast<std::uint8_t>(last);
    EXPECT_FALSE(engine->public_key_from_spki(rsa)) << last;
  }
}

TEST(Ed25519, SignsMessagesOnly) {
  const auto engine = make_openssl_engine();
  const auto key = LocalKey::generate(KeyAlg::ed25519).value();
  const auto verifier = engine->public_key_from_spki(key->spki_der()).value();
  const auto signature = key->sign_message(as_bytes("message")).value();
  EXPECT_TRUE(verifier->verify_message(as_bytes("message"), signature));
  EXPECT_FALSE(verifier->verify_message(as_bytes("messagf"), signature));
  const auto digest = engine->digest(HashAlg::sha512, as_bytes("message"));
  EXPECT_FALSE(verifier->verify_digest(SignatureScheme::ed25519, HashAlg::sha512, digest, signature));
  EXPECT_EQ(key->sign(SignatureScheme::ed25519, HashAlg::sha512, digest).error().code, Errc::unsupported);
  EXPECT_EQ(LocalKey::generate(KeyAlg::ec_p256).value()->sign_message(as_bytes("m")).error().code,
            Errc::unsupported);
}

}  // namespace
}  // namespace camvault::crypto_openssl

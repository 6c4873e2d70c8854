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

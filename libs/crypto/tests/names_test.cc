#include <gtest/gtest.h>

#include "camvault/crypto/certificate.h"
#include "camvault/crypto/key.h"

namespace camvault::crypto {
namespace {

constexpr KeyAlg kAll[] = {KeyAlg::ec_p256,  KeyAlg::ec_p384,  KeyAlg::ec_p521, KeyAlg::rsa_2048,
                           KeyAlg::rsa_3072, KeyAlg::rsa_4096, KeyAlg::ed25519};

TEST(Names, KeyAlgorithmsGoToTextAndBack) {
  for (const auto alg : kAll) EXPECT_EQ(key_alg_from_string(to_string(alg)).value(), alg);
  for (const auto* text : {"", "EC-P256", "ec-p256 ", "rsa-1024", "rsa2048", "ed448"}) {
    EXPECT_EQ(key_alg_from_string(text).error().code, Errc::unsupported) << text;
  }
}

TEST(Names, EveryKeyHasADefaultSchemeOfItsKind) {
  for (const auto alg : kAll) {
    const auto scheme = default_scheme(alg);
    EXPECT_EQ(scheme == SignatureScheme::ecdsa, is_ecdsa(alg));
    EXPECT_EQ(scheme == SignatureScheme::rsa_pss, is_rsa(alg));
    EXPECT_NE(to_string(scheme), "?");
  }
}

TEST(Names, SignatureSizesAreThoseOfTheEncoding) {
  EXPECT_EQ(max_signature_size(KeyAlg::ec_p256), 72u);
  EXPECT_EQ(max_signature_size(KeyAlg::ec_p384), 104u);
  EXPECT_EQ(max_signature_size(KeyAlg::ec_p521), 139u);
  EXPECT_EQ(max_signature_size(KeyAlg::rsa_3072), 384u);
  EXPECT_EQ(max_signature_size(KeyAlg::ed25519), 64u);
}

TEST(Names, VerdictsAndHashesHaveNames) {
  EXPECT_EQ(to_string(PathVerdict::no_anchor), "no_anchor");
  EXPECT_EQ(to_string(PathVerdict::not_yet_valid), "not_yet_valid");
  EXPECT_EQ(to_string(HashAlg::sha384), "SHA-384");
}

}  // namespace
}  // namespace camvault::crypto

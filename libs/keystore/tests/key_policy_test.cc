#include "camvault/keystore/key_policy.h"
#include "camvault/keystore/derivation.h"

#include <gtest/gtest.h>

namespace camvault::keystore {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;

// SP-4.2.11: usage flags per key.
TEST(KeyPolicy, DefaultsFitEveryTypeAndPurposeThatSuitEachOther) {
  int suitable = 0;
  for (const auto type : kAllKeyTypes) {
    for (const auto purpose : kAllPurposes) {
      EXPECT_EQ(check_policy(type, default_policy(type, purpose)).has_value(), suits(type, purpose))
          << to_string(type) << " " << to_string(purpose);
      suitable += suits(type, purpose) ? 1 : 0;
    }
  }
  EXPECT_EQ(suitable, 8 * 7 + 10);
}

TEST(KeyPolicy, RefusesAlgorithmsTheTypeDoesNotHave) {
  auto policy = default_policy(KeyType::ec_p256, Purpose::tls);
  policy.schemes.insert(SignatureScheme::rsa_pss);
  EXPECT_FALSE(check_policy(KeyType::ec_p256, policy));
  policy = default_policy(KeyType::ed25519, Purpose::tls);
  policy.hashes = {HashAlg::sha256};
  EXPECT_FALSE(check_policy(KeyType::ed25519, policy));
  policy = default_policy(KeyType::aes_256, Purpose::data_encryption);
  policy.schemes = {SignatureScheme::ecdsa};
  EXPECT_FALSE(check_policy(KeyType::aes_256, policy));
}

TEST(KeyPolicy, RefusesEmptySetsAndUnorderedUids) {
  auto policy = default_policy(KeyType::rsa_2048, Purpose::ca_signing);
  policy.schemes = {SignatureScheme::rsa_pss};
  EXPECT_TRUE(check_policy(KeyType::rsa_2048, policy));
  policy.schemes = {};
  EXPECT_FALSE(check_policy(KeyType::rsa_2048, policy));
  policy.schemes = {SignatureScheme::rsa_pss};
  policy.hashes = {};
  EXPECT_FALSE(check_policy(KeyType::rsa_2048, policy));
  policy.hashes = {HashAlg::sha256};
  policy.uids = {1, 2};
  EXPECT_TRUE(check_policy(KeyType::rsa_2048, policy));
  policy.uids = {2, 1};
  EXPECT_FALSE(check_policy(KeyType::rsa_2048, policy));
  policy.uids = {2, 2};
  EXPECT_FALSE(check_policy(KeyType::rsa_2048, policy));
  policy.uids.clear();
  for (std::uint32_t uid = 0; uid < 17; ++uid) policy.uids.push_back(uid);
  EXPECT_EQ(check_policy(KeyType::rsa_2048, policy).error().code, Errc::limit);
}

// NA-2.3-1: an identity that was in two places is none.
TEST(KeyPolicy, NoBackupOfIdentitiesAttestersAndCounters) {
  for (const auto type : kAllKeyTypes) {
    for (const auto purpose : kAllPurposes) {
      if (!suits(type, purpose)) continue;
      auto policy = default_policy(type, purpose);
      EXPECT_FALSE(policy.backup);
      policy.backup = true;
      const bool never = purpose == Purpose::device_identity || purpose == Purpose::attestation ||
                         purpose == Purpose::rollback_protection;
      EXPECT_EQ(check_policy(type, policy).has_value(), !never) << to_string(purpose);
    }
  }
}

TEST(Derivations, FieldsFitTogetherOrAreRefused) {
  const Bytes salt(8, 1);
  const Derivation hkdf{.kdf = Kdf::hkdf_sha256, .salt = {}, .info = salt, .rounds = 0, .size = 32};
  const Derivation pbkdf2{.kdf = Kdf::pbkdf2_sha256, .salt = salt, .info = {}, .rounds = 1000, .size = 32};
  const Derivation wpa{.kdf = Kdf::wpa_psk, .salt = salt, .info = {}, .rounds = kWpaRounds, .size = kWpaPsk};
  for (const auto& good : {hkdf, pbkdf2, wpa}) {
    EXPECT_TRUE(check_derivation(good)) << to_string(good.kdf);
    EXPECT_EQ(kdf_from_string(to_string(good.kdf)).value(), good.kdf);
    auto bad = good;
    bad.size = 0;
    EXPECT_FALSE(check_derivation(bad));
    bad.size = kMaxDerived + 1;
    EXPECT_FALSE(check_derivation(bad));
    bad = good;
    bad.rounds = good.kdf == Kdf::pbkdf2_sha256 ? kMaxRounds + 1 : 1;
    EXPECT_FALSE(check_derivation(bad));
    bad = good;
    bad.info = salt;
    EXPECT_EQ(check_derivation(bad).has_value(), good.kdf == Kdf::hkdf_sha256);
  }
  auto bad = pbkdf2;
  bad.salt = BytesView(salt).first(7);
  EXPECT_FALSE(check_derivation(bad));
  bad = wpa;
  const Bytes long_ssid(33, 'x');
  bad.salt = long_ssid;
  EXPECT_FALSE(check_derivation(bad));
  bad.salt = {};
  EXPECT_FALSE(check_derivation(bad));
  EXPECT_FALSE(kdf_from_string("scrypt"));
}

TEST(KeyPolicy, NamesReadBack) {
  for (const auto purpose : kAllPurposes) EXPECT_EQ(purpose_from_string(to_string(purpose)).value(), purpose);
  for (const auto type : kAllKeyTypes) EXPECT_EQ(key_type_from_string(to_string(type)).value(), type);
  EXPECT_FALSE(purpose_from_string("export"));
  EXPECT_FALSE(key_type_from_string("ec-p224"));
}

}  // namespace
}  // namespace camvault::keystore

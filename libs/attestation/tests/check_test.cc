// AX-4.1-3, NA-2.3-1: good evidence, and the refused neighbours of each thing that makes it good.
#include "camvault/attestation/check.h"

#include <gtest/gtest.h>

#include "evidence.h"

namespace camvault::attestation {
namespace {

using namespace test;

class CheckTest : public testing::Test {
 protected:
  Check about_key(BytesView evidence) {
    Check c;
    c.type = kKeystored;
    c.evidence = evidence;
    c.spki = spki_;
    return c;
  }
  void expect(Standing standing, const std::string& words, const Finding& found) {
    EXPECT_EQ(found.standing, standing) << to_string(found.standing) << ": " << found.reason;
    EXPECT_NE(found.reason.find(words), std::string::npos) << found.reason;
  }

  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  std::unique_ptr<crypto_openssl::LocalKey> key_ = make_key();
  std::unique_ptr<crypto_openssl::LocalKey> attester_ = make_key();
  Bytes spki_ = key_->spki_der();
  KeystoredStatement statement_ = about(*engine_, spki_);
  crypto::Digest attester_digest_ = engine_->digest(crypto::HashAlg::sha256, attester_->spki_der());
};

TEST_F(CheckTest, VouchedOrItsOwnWord) {
  const auto evidence = signed_by(*engine_, *attester_, statement_);
  auto c = about_key(evidence);
  const auto own = check(*engine_, c);
  expect(Standing::own_word, "nobody vouches", own);
  EXPECT_NE(own.reason.find("a program"), std::string::npos);  // labelled as the weaker thing it is
  c.attester = attester_digest_;
  c.nonce = statement_.nonce;
  const auto vouched = check(*engine_, c);
  expect(Standing::vouched, "generated inside", vouched);
  EXPECT_EQ(vouched.statement->origin, KeyOrigin::generated_inside);
}

TEST_F(CheckTest, AllKindsOfAttestationKeys) {
  for (const auto alg : {crypto::KeyAlg::ec_p384, crypto::KeyAlg::rsa_2048, crypto::KeyAlg::ed25519}) {
    const auto attester = make_key(alg);
    const auto evidence = signed_by(*engine_, *attester, statement_);
    expect(Standing::own_word, "", check(*engine_, about_key(evidence)));
  }
}

TEST_F(CheckTest, EvidenceOfSomethingElseIsRefusedByName) {
  const auto evidence = signed_by(*engine_, *attester_, statement_);
  auto c = about_key(evidence);
  const auto other = make_key()->spki_der();
  c.spki = other;
  expect(Standing::invalid, "another key", check(*engine_, c));
  c = about_key(evidence);
  c.nonce = Bytes(16, 0x01);  // replayed
  expect(Standing::invalid, "another question", check(*engine_, c));
  c = about_key(evidence);
  c.attester = engine_->digest(crypto::HashAlg::sha256, other);  // of another device
  expect(Standing::invalid, "another key than this device's", check(*engine_, c));
  const auto itself = signed_by(*engine_, *key_, statement_);
  expect(Standing::invalid, "attests itself", check(*engine_, about_key(itself)));
  c = about_key(evidence);
  c.type = "sev-snp";
  expect(Standing::unsupported, "", check(*engine_, c));
}

TEST_F(CheckTest, AForgedOriginIsRefused) {  // NA-2.3-2
  auto imported = statement_;
  imported.origin = KeyOrigin::imported;
  auto forged = decode_evidence(signed_by(*engine_, *attester_, imported)).value();
  forged.statement = encode_statement(statement_).value();  // "generated inside"
  const auto bytes = encode_evidence(forged).value();
  expect(Standing::invalid, "does not verify", check(*engine_, about_key(bytes)));
  forged = decode_evidence(signed_by(*engine_, *attester_, statement_)).value();
  forged.scheme = crypto::SignatureScheme::rsa_pss;  // not the key's
  const auto other_scheme = encode_evidence(forged).value();
  expect(Standing::invalid, "does not verify", check(*engine_, about_key(other_scheme)));
}

// OpenSSL reads a BIT STRING with unused bits when those are zero: the same key in other bytes.
TEST_F(CheckTest, AKeyInOtherBytesIsRefused) {
  constexpr std::size_t kUnusedBits = 25;  // in the SubjectPublicKeyInfo of a P-256 key
  while ((attester_->spki_der().back() & 0x0f) != 0) attester_ = make_key();
  auto evidence = decode_evidence(signed_by(*engine_, *attester_, statement_)).value();
  evidence.attester_spki[kUnusedBits] = 4;
  ASSERT_TRUE(engine_->public_key_from_spki(evidence.attester_spki));
  const auto bytes = encode_evidence(evidence).value();
  expect(Standing::invalid, "does not verify", check(*engine_, about_key(bytes)));
}

TEST_F(CheckTest, AnyChangedByteIsRefused) {
  const auto evidence = signed_by(*engine_, *attester_, statement_);
  for (std::size_t i = 0; i < evidence.size(); ++i) {
    auto changed = evidence;
    changed[i] ^= 0x04;
    EXPECT_EQ(check(*engine_, about_key(changed)).standing, Standing::invalid) << i;
  }
  EXPECT_EQ(check(*engine_, about_key(Bytes(kMaxEvidence + 1))).standing, Standing::invalid);
}

}  // namespace
}  // namespace camvault::attestation

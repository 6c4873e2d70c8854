// Policies, sessions, attestation. SP-4.2.10, AX-4.1-3.
#include "camvault/keystore_se05x/tlv.h"
#include "sim_fixture.h"

namespace camvault::se05x_sim {
namespace {

using keystore_se05x::AesLogin;
using keystore_se05x::EcdsaAlg;
using keystore_se05x::TlvReader;
using keystore_se05x::UserIdLogin;

constexpr ObjectId kLogin = 0x7DA00002;
constexpr ObjectId kUser = 0x7DA00001;

class PolicyTest : public SimulatorTest {
 protected:
  Element element_{options()};
  Applet applet_{element_};
};

TEST_F(PolicyTest, WhatARuleDoesNotGiveIsRefused) {
  ASSERT_TRUE(applet_.generate_ec(kKey, Curve::p256, everybody(may::kSign)));
  EXPECT_TRUE(applet_.sign_ecdsa(kKey, EcdsaAlg::sha256, sha256("x").view()));
  EXPECT_EQ(applet_.ec_point(kKey, Curve::p256).error().code, Errc::denied);
  EXPECT_EQ(applet_.remove(kKey).error().code, Errc::denied);
  EXPECT_EQ(applet_.agree(kKey, Curve::p256, Bytes(65, 4)).error().code, Errc::denied);
  EXPECT_EQ(applet_.verify_ecdsa(kKey, EcdsaAlg::sha256, sha256("x").view(), Bytes(70)).error().code,
            Errc::denied);
  ASSERT_TRUE(applet_.generate_ec(kOther, Curve::p256, everybody(may::kRead)));
  EXPECT_EQ(applet_.sign_ecdsa(kOther, EcdsaAlg::sha256, sha256("x").view()).error().code, Errc::denied);
}

// No right reads a private or a symmetric key.
TEST_F(PolicyTest, KeysAreNeverGiven) {
  ASSERT_TRUE(
      applet_.import_symmetric(kKey, true, Secret(Bytes(16, 9)), everybody(0xFFFF & ~may::kRequirePcr)));
  EXPECT_EQ(applet_.read_file(kKey, 16).error().code, Errc::denied);
  ASSERT_TRUE(
      applet_.import_symmetric(kOther, false, Secret(Bytes(16, 9)), everybody(may::kRead | may::kSign)));
  EXPECT_EQ(applet_.read_file(kOther, 16).error().code, Errc::denied);
}

TEST_F(PolicyTest, SomeKeysWantASecureChannel) {
  ASSERT_TRUE(applet_.generate_ec(kKey, Curve::p256, everybody(may::kSign | may::kRequireSecureMessaging)));
  EXPECT_TRUE(applet_.sign_ecdsa(kKey, EcdsaAlg::sha256, sha256("x").view()));
  element_.disconnect();
  Element plain(options(false));
  Applet in_clear(plain);
  EXPECT_EQ(in_clear.sign_ecdsa(kKey, EcdsaAlg::sha256, sha256("x").view()).error().code, Errc::denied);
}

TEST_F(PolicyTest, KeysOfAnAesSessionAreForThatSession) {
  const Bytes login(16, 0x5C);
  ASSERT_TRUE(applet_.import_symmetric(kLogin, true, Secret(login), {}, true));
  EXPECT_EQ(applet_.seal_gcm(kLogin, as_bytes("x"), {}).error().code, Errc::denied) << "for logging in only";
  element_.disconnect();
  auto with_login = options();
  with_login.login = AesLogin{kLogin, Secret(login)};
  {
    Element owner(std::move(with_login));
    Applet mine(owner);
    ASSERT_TRUE(mine.generate_ec(kKey, Curve::p256, {{kLogin, may::kSign | may::kDelete}, {0, may::kRead}}));
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(mine.sign_ecdsa(kKey, EcdsaAlg::sha256, sha256("x").view()));
    EXPECT_TRUE(mine.list());
    simulator_->power_cycle();
    EXPECT_TRUE(mine.sign_ecdsa(kKey, EcdsaAlg::sha256, sha256("x").view())) << "logs in again";
  }
  EXPECT_TRUE(applet_.ec_point(kKey, Curve::p256));
  EXPECT_EQ(applet_.sign_ecdsa(kKey, EcdsaAlg::sha256, sha256("x").view()).error().code, Errc::denied);
  element_.disconnect();
  auto wrong = options();
  wrong.login = AesLogin{kLogin, Secret(Bytes(16, 0x5D))};
  EXPECT_EQ(Element(std::move(wrong)).connect().error().code, Errc::denied);
}

TEST_F(PolicyTest, UserIdsHaveSoManyTriesAndNoMore) {
  ASSERT_TRUE(applet_.import_user_id(kUser, Secret(as_bytes("open sesame")), 3, {}));
  ASSERT_TRUE(applet_.generate_ec(kKey, Curve::p256, {{kUser, may::kSign}, {0, may::kRead}}));
  element_.disconnect();
  const auto login = [&](std::string_view id) {
    auto with = options();
    with.login = UserIdLogin{kUser, Secret(as_bytes(id))};
    Element element(std::move(with));
    Applet applet(element);
    const auto signature = applet.sign_ecdsa(kKey, EcdsaAlg::sha256, sha256("x").view());
    return signature.has_value();
  };
  EXPECT_TRUE(login("open sesame"));
  EXPECT_FALSE(login("open barley"));
  EXPECT_FALSE(login("open barley"));
  EXPECT_TRUE(login("open sesame")) << "and the count starts again";
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(login("open wheat"));
  EXPECT_FALSE(login("open sesame")) << "too late";
}

// A register in a policy: the key works as long as the value is the one it was made for.
TEST_F(PolicyTest, RegistersBindKeys) {
  const auto write_pcr = [&](keystore_se05x::TlvWriter fields) {
    return element_.command({.ins = 0x01, .p1 = 0x09, .data = fields.take(), .extended = true},
                            Repeat::never);
  };
  constexpr ObjectId kPcr = 0x20000020;
  ASSERT_TRUE(write_pcr(std::move(keystore_se05x::TlvWriter().u32(0x41, kPcr).put(0x42, Bytes(32, 0)))));
  PolicyRule rule{0, may::kSign | may::kRead, keystore_se05x::PcrCondition{kPcr, {}}};
  ASSERT_TRUE(applet_.generate_ec(kKey, Curve::p256, {rule}));
  EXPECT_TRUE(applet_.sign_ecdsa(kKey, EcdsaAlg::sha256, sha256("x").view()));
  ASSERT_TRUE(
      write_pcr(std::move(keystore_se05x::TlvWriter().u32(0x41, kPcr).put(0x43, as_bytes("firmware 2")))));
  EXPECT_EQ(applet_.sign_ecdsa(kKey, EcdsaAlg::sha256, sha256("x").view()).error().code, Errc::denied);
}

TEST_F(PolicyTest, AttestedReadsAreSignedAndFresh) {
  ASSERT_TRUE(applet_.generate_ec(kKey, Curve::p256, everybody(may::kSign | may::kRead)));
  keystore_se05x::Freshness nonce;
  engine_->random(nonce.value);
  const auto attester = keystore_se05x::object::kAttestationKey;
  const auto read = applet_.attested_read(kKey, attester, nonce).value();
  EXPECT_TRUE(contains(read.command, nonce));
  auto spki = from_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200").value();
  append(spki, applet_.ec_point(attester, Curve::p256).value());
  const auto key = engine_->public_key_from_spki(spki).value();
  const auto is_good = [&](const Bytes& command, const Bytes& answer) {
    TlvReader in(answer);
    Bytes covered = to_bytes(engine_->digest(crypto::HashAlg::sha256, command).view());
    for (;;) {
      const auto next = in.next();
      if (!next) return false;
      if (next->tag == 0x52)
        return key->verify_digest(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256,
                                  engine_->digest(crypto::HashAlg::sha256, covered), next->value);
      append(covered, next->raw);
    }
  };
  EXPECT_TRUE(is_good(read.command, read.answer));
  EXPECT_TRUE(contains(read.answer, applet_.ec_point(kKey, Curve::p256).value()));
  auto other_nonce = read.command;
  other_nonce.back() ^= 1;
  EXPECT_FALSE(is_good(other_nonce, read.answer));
  auto other_answer = read.answer;
  other_answer[20] ^= 1;
  EXPECT_FALSE(is_good(read.command, other_answer));
  // Keys that may not be read are attested without their value; keys without the right attest nothing.
  ASSERT_TRUE(applet_.generate_ec(kOther, Curve::p256, everybody(may::kSign)));
  const auto hidden = applet_.attested_read(kOther, attester, nonce).value();
  EXPECT_NE(hidden.answer[0], 0x41);
  EXPECT_TRUE(is_good(hidden.command, hidden.answer));
  EXPECT_EQ(applet_.attested_read(kKey, kKey, nonce).error().code, Errc::denied);
}

}  // namespace
}  // namespace camvault::se05x_sim

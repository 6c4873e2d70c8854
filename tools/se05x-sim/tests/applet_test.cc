// Every command of the host's library against the simulator, its results judged by OpenSSL.
#include "camvault/keystore_se05x/tlv.h"
#include "sim_fixture.h"

namespace camvault::se05x_sim {
namespace {

using keystore_se05x::DigestAlg;
using keystore_se05x::EcdsaAlg;
using keystore_se05x::MacAlg;
using keystore_se05x::ObjectOrigin;
using keystore_se05x::RsaAlg;

class AppletTest : public SimulatorTest {
 protected:
  Element element_{options()};
  Applet applet_{element_};
};

// RFC 5480: the fixed beginning of a SubjectPublicKeyInfo on P-256, and of one with Ed25519 (RFC 8410).
std::shared_ptr<const crypto::PublicKey> public_key(const crypto::Engine& engine, std::string_view head,
                                                    BytesView point) {
  auto spki = from_hex(head).value();
  append(spki, point);
  return engine.public_key_from_spki(spki).value();
}
constexpr std::string_view kP256Head = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
constexpr std::string_view kP384Head = "3076301006072a8648ce3d020106052b81040022036200";
constexpr std::string_view kP521Head = "30819b301006072a8648ce3d020106052b8104002303818600";
constexpr std::string_view kEd25519Head = "302a300506032b6570032100";

TEST_F(AppletTest, EcKeysSign) {
  const std::tuple<Curve, std::string_view, EcdsaAlg, crypto::HashAlg> curves[] = {
      {Curve::p256, kP256Head, EcdsaAlg::sha256, crypto::HashAlg::sha256},
      {Curve::p384, kP384Head, EcdsaAlg::sha384, crypto::HashAlg::sha384},
      {Curve::p521, kP521Head, EcdsaAlg::sha512, crypto::HashAlg::sha512}};
  ObjectId id = kKey;
  for (const auto& [curve, head, alg, hash] : curves) {
    ASSERT_TRUE(applet_.generate_ec(id, curve, everybody(may::kSign | may::kVerify | may::kRead)));
    const auto digest = engine_->digest(hash, as_bytes("picture"));
    const auto signature = applet_.sign_ecdsa(id, alg, digest.view()).value();
    const auto key = public_key(*engine_, head, applet_.ec_point(id, curve).value());
    EXPECT_TRUE(key->verify_digest(crypto::SignatureScheme::ecdsa, hash, digest, signature));
    EXPECT_TRUE(applet_.verify_ecdsa(id, alg, digest.view(), signature).value());
    const auto other = engine_->digest(hash, as_bytes("another picture"));
    EXPECT_FALSE(applet_.verify_ecdsa(id, alg, other.view(), signature).value());
    EXPECT_EQ(applet_.sign_ecdsa(id, alg, other.view().first(31)).error().code, Errc::usage);
    EXPECT_EQ(applet_.generate_ec(id, curve, {}).error().code, Errc::exists);
    ++id;
  }
}

TEST_F(AppletTest, Ed25519IsTurnedRound) {
  ASSERT_TRUE(applet_.generate_ec(kKey, Curve::ed25519, {}));
  const auto key = public_key(*engine_, kEd25519Head, applet_.ec_point(kKey, Curve::ed25519).value());
  const auto signature = applet_.sign_ed25519(kKey, as_bytes("message")).value();
  EXPECT_TRUE(key->verify_message(as_bytes("message"), signature));
  EXPECT_FALSE(key->verify_message(as_bytes("massage"), signature));
}

TEST_F(AppletTest, RsaSignsMessages) {
  ASSERT_TRUE(applet_.generate_rsa(kKey, 2048, everybody(may::kSign | may::kRead | may::kDelete)));
  const auto parts = applet_.rsa_public(kKey).value();
  EXPECT_EQ(parts.modulus.size(), 256u);
  EXPECT_EQ(to_hex(parts.exponent), "010001");
  // SubjectPublicKeyInfo of a 2048-bit key with exponent 65537.
  auto spki = from_hex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100").value();
  append(spki, parts.modulus);
  append(spki, from_hex("0203010001").value());
  const auto key = engine_->public_key_from_spki(spki).value();
  const std::tuple<RsaAlg, crypto::SignatureScheme, crypto::HashAlg> schemes[] = {
      {RsaAlg::pkcs1_sha256, crypto::SignatureScheme::rsa_pkcs1v15, crypto::HashAlg::sha256},
      {RsaAlg::pss_sha256, crypto::SignatureScheme::rsa_pss, crypto::HashAlg::sha256},
      {RsaAlg::pss_sha512, crypto::SignatureScheme::rsa_pss, crypto::HashAlg::sha512}};
  for (const auto& [alg, scheme, hash] : schemes) {
    const auto signature = applet_.sign_rsa(kKey, alg, as_bytes("message")).value();
    EXPECT_TRUE(key->verify_digest(scheme, hash, engine_->digest(hash, as_bytes("message")), signature));
  }
  EXPECT_EQ(applet_.sign_rsa(kKey, RsaAlg::pss_sha256, Bytes(801)).error().code, Errc::limit);
  // Without the right to decrypt there is no raw operation that would sign anything.
  const auto raw = element_.command(
      {.ins = 0x03,
       .p1 = 0x02,
       .p2 = 0x38,
       .data = keystore_se05x::TlvWriter().u32(0x41, kKey).u8(0x42, 0x0C).put(0x43, Bytes(256, 1)).take(),
       .extended = true,
       .expects = true},
      Repeat::safe);
  EXPECT_EQ(raw.error().code, Errc::denied);
}

TEST_F(AppletTest, KeyAgreementGivesBothTheSame) {
  for (const auto curve : {Curve::p256, Curve::p384, Curve::p521, Curve::x25519}) {
    ASSERT_TRUE(applet_.generate_ec(kKey, curve, {}));
    ASSERT_TRUE(applet_.generate_ec(kOther, curve, {}));
    const auto first = applet_.agree(kKey, curve, applet_.ec_point(kOther, curve).value()).value();
    const auto second = applet_.agree(kOther, curve, applet_.ec_point(kKey, curve).value()).value();
    EXPECT_TRUE(first.reveal([&](BytesView bytes) { return second.equals(bytes); }));
    auto off = applet_.ec_point(kOther, curve).value();
    off.back() ^= 1;
    if (curve != Curve::x25519) {
      EXPECT_EQ(applet_.agree(kKey, curve, off).error().code, Errc::usage);
    }
    ASSERT_TRUE(applet_.remove(kKey));
    ASSERT_TRUE(applet_.remove(kOther));
  }
}

// One agreement in 256 has a coordinate that begins with a zero byte: 1 and 379 times the base point of
// P-256.
TEST_F(AppletTest, KeyAgreementKeepsTheZerosItBeginsWith) {
  const auto base =
      from_hex(
          "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e16"
          "2bce33576b315ececbb6406837bf51f5")
          .value();
  const auto peer =
      from_hex(
          "04005543894af3d00ed7d740abdbd75c96b06877b787db5f70eea78b90a8d7c00abb4c85a3d8ea29efaafa24406912dd84"
          "d5b14dc32bf656ef6c6bd58a5d943f92")
          .value();
  Bytes one(32);
  one.back() = 1;
  ASSERT_TRUE(applet_.import_ec(kKey, Curve::p256, Secret(one), base, {}));
  EXPECT_TRUE(applet_.agree(kKey, Curve::p256, peer).value().equals(BytesView(peer).subspan(1, 32)));
  Bytes other(32);
  other[30] = 379 >> 8;
  other[31] = 379 & 0xff;
  ASSERT_TRUE(applet_.import_ec(kOther, Curve::p256, Secret(other), peer, {}));
  EXPECT_EQ(applet_.ec_point(kOther, Curve::p256).value(), peer);
  EXPECT_TRUE(applet_.agree(kOther, Curve::p256, base).value().equals(BytesView(peer).subspan(1, 32)));
}

// The secret stays inside: it becomes an HMAC key that both use.
TEST_F(AppletTest, KeyAgreementIntoAKey) {
  ASSERT_TRUE(applet_.generate_ec(kKey, Curve::p256, {}));
  const auto peer = applet_.ec_point(kKey, Curve::p256).value();
  ASSERT_TRUE(applet_.import_symmetric(kOther, false, Secret(Bytes(32, 1)), {}));
  ASSERT_TRUE(applet_.agree_into(kKey, Curve::p256, peer, kOther));
  const auto outside = applet_.agree(kKey, Curve::p256, peer).value();
  ASSERT_TRUE(outside.reveal(
      [&](BytesView bytes) { return applet_.import_symmetric(0x20000009, false, Secret(bytes), {}); }));
  EXPECT_EQ(applet_.mac(kOther, MacAlg::hmac_sha256, as_bytes("m")).value(),
            applet_.mac(0x20000009, MacAlg::hmac_sha256, as_bytes("m")).value());
}

// RFC 4231 test case 2, RFC 4493, RFC 5869 A.1 and PBKDF2 with the vectors of RFC 7914 and IEEE 802.11i H.4.
TEST_F(AppletTest, MacsAndDerivationAgreeWithTheirVectors) {
  ASSERT_TRUE(applet_.import_symmetric(kKey, false, Secret(as_bytes("Jefe")), {}));
  EXPECT_EQ(to_hex(applet_.mac(kKey, MacAlg::hmac_sha256, as_bytes("what do ya want for nothing?")).value()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  ASSERT_TRUE(applet_.import_symmetric(kOther, true,
                                       Secret(from_hex("2b7e151628aed2a6abf7158809cf4f3c").value()), {}));
  EXPECT_EQ(
      to_hex(applet_.mac(kOther, MacAlg::cmac, from_hex("6bc1bee22e409f96e93d7e117393172a").value()).value()),
      "070a16b46b4d4144f79bdd9dd04a287c");
  ASSERT_TRUE(applet_.import_symmetric(0x20000003, false, Secret(Bytes(22, 0x0b)), {}));
  const auto okm = applet_.hkdf(0x20000003, DigestAlg::sha256, from_hex("000102030405060708090a0b0c").value(),
                                from_hex("f0f1f2f3f4f5f6f7f8f9").value(), 42);
  EXPECT_TRUE(okm.value().equals(
      from_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
          .value()));
  ASSERT_TRUE(applet_.import_symmetric(0x20000004, false, Secret(as_bytes("password")), {}));
  EXPECT_TRUE(
      applet_.pbkdf2(0x20000004, MacAlg::hmac_sha1, as_bytes("IEEE"), 4096, 32)
          .value()
          .equals(from_hex("f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e").value()));
}

TEST_F(AppletTest, LongMessagesAreTakenInSteps) {
  ASSERT_TRUE(applet_.import_symmetric(kKey, false, Secret(as_bytes("key")), {}));
  Bytes message(5000);
  engine_->random(message);
  const auto whole = applet_.mac(kKey, MacAlg::hmac_sha256, message).value();
  EXPECT_NE(whole, applet_.mac(kKey, MacAlg::hmac_sha256, BytesView(message).first(4999)).value());
  // The same bytes again, now hashed by the element in one step: HMAC with a long key is HMAC with its hash.
  EXPECT_EQ(applet_.mac(kKey, MacAlg::hmac_sha256, message).value(), whole);
  ASSERT_TRUE(applet_.import_symmetric(kOther, true, Secret(Bytes(32, 7)), {}));
  const auto sealed = applet_.seal_gcm(kOther, message, as_bytes("header")).value();
  EXPECT_EQ(sealed.data.size(), message.size());
  EXPECT_TRUE(applet_.open_gcm(kOther, sealed.nonce, sealed.data, sealed.tag, as_bytes("header"))
                  .value()
                  .equals(message));
  EXPECT_EQ(applet_.open_gcm(kOther, sealed.nonce, sealed.data, sealed.tag, as_bytes("heade")).error().code,
            Errc::invalid);
  // What was sealed in steps opens in one, and the other way round.
  const auto part = applet_.seal_gcm(kOther, BytesView(message).first(700), Bytes(300)).value();
  EXPECT_TRUE(applet_.open_gcm(kOther, part.nonce, part.data, part.tag, Bytes(300))
                  .value()
                  .equals(BytesView(message).first(700)));
}

TEST_F(AppletTest, GcmRefusesWhatWasChanged) {
  ASSERT_TRUE(applet_.import_symmetric(kKey, true, Secret(Bytes(32, 7)), {}));
  const auto sealed = applet_.seal_gcm(kKey, as_bytes("plain"), as_bytes("more")).value();
  EXPECT_TRUE(applet_.open_gcm(kKey, sealed.nonce, sealed.data, sealed.tag, as_bytes("more"))
                  .value()
                  .equals(as_bytes("plain")));
  auto data = sealed.data;
  data[0] ^= 1;
  EXPECT_EQ(applet_.open_gcm(kKey, sealed.nonce, data, sealed.tag, as_bytes("more")).error().code,
            Errc::invalid);
  EXPECT_EQ(applet_.open_gcm(kKey, sealed.nonce, sealed.data, sealed.tag, {}).error().code, Errc::invalid);
  const auto empty = applet_.seal_gcm(kKey, {}, {}).value();
  EXPECT_TRUE(applet_.open_gcm(kKey, empty.nonce, {}, empty.tag, {}).value().empty());
}

TEST_F(AppletTest, FilesAndCountersKeepWhatTheyAreTold) {
  Bytes content(2000, 0x2A);
  ASSERT_TRUE(applet_.write_file(kKey, content, {}));
  EXPECT_EQ(applet_.file_size(kKey).value(), 2000);
  EXPECT_EQ(applet_.read_file(kKey, 2000).value(), content);
  EXPECT_FALSE(applet_.read_file(kKey, 2001)) << "beyond its end";
  EXPECT_EQ(applet_.write_file(kKey, content, {}).error().code, Errc::exists);
  EXPECT_EQ(applet_.write_file(kOther, {}, {}).error().code, Errc::usage);
  ASSERT_TRUE(applet_.create_counter(kOther, {}));
  for (std::uint64_t i = 1; i <= 300; ++i) ASSERT_EQ(applet_.increment(kOther).value(), i);
}

TEST_F(AppletTest, ObjectsAreListedAndDescribed) {
  ASSERT_TRUE(applet_.generate_ec(kKey, Curve::p256, everybody(may::kSign | may::kRead | may::kDelete)));
  const auto ids = applet_.list().value();
  EXPECT_NE(std::find(ids.begin(), ids.end(), kKey), ids.end());
  EXPECT_NE(std::find(ids.begin(), ids.end(), keystore_se05x::object::kAttestationKey), ids.end());
  const auto info = applet_.info(kKey).value();
  EXPECT_EQ(info.id, kKey);
  EXPECT_EQ(info.type, 0x29);  // a pair on P-256, as applets 7.x call it
  EXPECT_EQ(info.origin, ObjectOrigin::internal);
  EXPECT_FALSE(info.for_login);
  EXPECT_EQ(info.policy, everybody(may::kSign | may::kRead | may::kDelete));
  EXPECT_EQ(applet_.info(keystore_se05x::object::kAttestationKey).value().origin, ObjectOrigin::provisioned);
  EXPECT_EQ(applet_.unique_id().value().size(), 18u);
  EXPECT_GT(applet_.free_memory().value(), 0u);
  ASSERT_TRUE(applet_.remove(kKey));
  EXPECT_FALSE(applet_.exists(kKey).value());
  for (ObjectId id = 0x20001000; id < 0x20001000 + 200; ++id) ASSERT_TRUE(applet_.create_counter(id, {}));
  EXPECT_EQ(applet_.list().value().size(), ids.size() - 1 + 200) << "a list of several pages";
}

TEST_F(AppletTest, RandomNumbersDiffer) {
  Bytes first(1300);
  Bytes second(1300);
  ASSERT_TRUE(applet_.random(first));
  ASSERT_TRUE(applet_.random(second));
  EXPECT_NE(first, second);
  EXPECT_GT(std::count(first.begin(), first.end(), first[0]), 0);
  EXPECT_LT(std::count(first.begin(), first.end(), 0), 100);
}

}  // namespace
}  // namespace camvault::se05x_sim

// AX-4.1-3, NA-2.3-1, NA-2.3-2: evidence of a TPM, made here as a TPM makes it, and every refusal by its
// name.
#include "camvault/attestation/evidence_file.h"

#include <gtest/gtest.h>

#include "camvault/base/byte_writer.h"
#include "camvault/crypto/key_encoding.h"
#include "camvault/crypto_openssl/issue.h"
#include "evidence.h"

namespace camvault::attestation {
namespace {

using namespace test;
using crypto_openssl::CertificateProfile;
using crypto_openssl::KeyUsage;
using crypto_openssl::LocalKey;

constexpr std::uint32_t kInside = 0x72;  // fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth
constexpr std::uint32_t kPutIn = 0x40;   // userWithAuth

void put_2b(ByteWriter& out, BytesView bytes) {
  out.u16(static_cast<std::uint16_t>(bytes.size()));
  out.raw(bytes);
}

class EvidenceFileTest : public testing::Test {
 protected:
  EvidenceFileTest() {
    root_ = issue(*root_key_, nullptr, "Root", *root_key_, true, {});
    ak_ = issue(*root_key_, &root_, "EX-1 attestation", *attester_, false, {std::string(kAttesterUsage)});
    anchors_ = {root_};
  }

  crypto::Certificate issue(LocalKey& by, const crypto::Certificate* issuer, const std::string& name,
                            const LocalKey& key, bool ca, std::vector<std::string> usages) {
    CertificateProfile profile;
    profile.ca = ca;
    profile.key_usage = ca ? KeyUsage::key_cert_sign : KeyUsage::digital_signature;
    profile.extended_key_usages = std::move(usages);
    profile.not_before = now_ - std::chrono::hours(24);
    profile.not_after = now_ + std::chrono::hours(24);
    const Bytes number(8, 7);
    crypto_openssl::SubjectName subject;
    subject.common_name = name;
    return (issuer == nullptr
                ? crypto_openssl::issue_self_signed(by, subject, profile, number)
                : crypto_openssl::issue_certificate(by, *issuer, subject, key.spki_der(), profile, number))
        .value();
  }

  Bytes area_of(BytesView spki, std::uint32_t attributes, BytesView policy = {}) const {
    const auto point = crypto::point_of_spki(crypto::KeyAlg::ec_p256, spki).value();
    ByteWriter out;
    out.u16(0x0023);
    out.u16(0x000b);
    out.u32(attributes | 0x00040000);  // sign
    put_2b(out, policy);
    out.u16(0x0010);
    out.u16(0x0010);
    out.u16(0x0003);
    out.u16(0x0010);
    put_2b(out, BytesView(point).subspan(1, 32));
    put_2b(out, BytesView(point).last(32));
    return out.take();
  }
  Bytes certified(BytesView area, BytesView nonce) const {
    Bytes name = {0x00, 0x0b};
    append(name, engine_->digest(crypto::HashAlg::sha256, area).view());
    ByteWriter out;
    out.u32(0xff544347);
    out.u16(0x8017);
    put_2b(out, name);
    put_2b(out, nonce);
    out.fill(17 + 8, 0);
    put_2b(out, name);
    put_2b(out, name);
    return out.take();
  }
  ModuleEvidence module_word(BytesView spki, std::uint32_t attributes, LocalKey& by,
                             std::vector<crypto::Certificate> chain, BytesView policy = {}) const {
    ModuleEvidence e;
    e.kind = kTpm2;
    e.generation = 2;
    e.attester_spki = by.spki_der();
    for (const auto& certificate : chain) e.chain.push_back(certificate.der);
    e.context = area_of(spki, attributes, policy);
    e.statement = certified(e.context, nonce_);
    e.signature = by.sign(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256,
                          engine_->digest(crypto::HashAlg::sha256, e.statement))
                      .value();
    return e;
  }
  EvidenceFile file_of(const ModuleEvidence& evidence) const {
    return {key_->spki_der(), {{std::string(kTpm2), encode_module_evidence(evidence).value()}}};
  }
  FileCheck asked() const { return {.nonce = nonce_, .anchors = &anchors_, .at = now_}; }
  void expect(Refusal refusal, const Finding& found) const {
    EXPECT_EQ(found.refusal, refusal) << to_string(found.refusal) << ": " << found.reason;
    EXPECT_NE(found.standing, Standing::vouched);
    EXPECT_FALSE(found.reason.empty());
  }

  const Timestamp now_ = from_iso8601("2026-11-21T12:00:00Z").value();
  const Bytes nonce_ = Bytes(16, 0x5a);
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  std::unique_ptr<LocalKey> key_ = make_key();
  std::unique_ptr<LocalKey> attester_ = make_key();
  std::unique_ptr<LocalKey> root_key_ = make_key();
  crypto::Certificate root_;
  crypto::Certificate ak_;
  std::vector<crypto::Certificate> anchors_;
};

TEST_F(EvidenceFileTest, AModuleThatIsVouchedForIsBelieved) {
  const auto file = file_of(module_word(key_->spki_der(), kInside, *attester_, {ak_}));
  const auto bytes = encode_evidence_file(file).value();
  const auto read = decode_evidence_file(bytes).value();
  EXPECT_EQ(encode_evidence_file(read).value(), bytes);
  auto check = asked();
  check.must_be_made_inside = true;
  check.spki = key_->spki_der();
  const auto found = check_file(*engine_, read, check);
  EXPECT_EQ(found.standing, Standing::vouched) << found.reason;
  EXPECT_EQ(found.origin, KeyOrigin::generated_inside);
  EXPECT_TRUE(found.hardware_word);
  EXPECT_FALSE(found.simulator);
}

TEST_F(EvidenceFileTest, AnotherKeyAReplayAndAnotherDeviceAreRefusedByName) {
  const auto other = make_key();
  const auto about_other = module_word(other->spki_der(), kInside, *attester_, {ak_});
  expect(Refusal::another_key, check_file(*engine_, file_of(about_other), asked()));
  // The right key's public area beside what was signed about the other.
  auto mixed = about_other;
  mixed.context = area_of(key_->spki_der(), kInside);
  expect(Refusal::another_key, check_file(*engine_, file_of(mixed), asked()));
  const auto good = file_of(module_word(key_->spki_der(), kInside, *attester_, {ak_}));
  auto check = asked();
  check.spki = other->spki_der();
  expect(Refusal::another_key, check_file(*engine_, good, check));
  check = asked();
  check.nonce.back() = 1;
  expect(Refusal::replayed_nonce, check_file(*engine_, good, check));
  // Another device's attestation key, with this device's certificate.
  const auto stranger = make_key();
  expect(Refusal::ak_without_ek_chain,
         check_file(*engine_, file_of(module_word(key_->spki_der(), kInside, *stranger, {ak_})), asked()));
  auto forged = module_word(key_->spki_der(), kInside, *stranger, {ak_});
  forged.attester_spki = attester_->spki_der();
  expect(Refusal::bad_signature, check_file(*engine_, file_of(forged), asked()));
}

TEST_F(EvidenceFileTest, AnAttestationKeyWithoutItsChainIsRefusedByName) {
  const auto word = [&](std::vector<crypto::Certificate> chain) {
    return check_file(*engine_, file_of(module_word(key_->spki_der(), kInside, *attester_, std::move(chain))),
                      asked());
  };
  expect(Refusal::ak_without_ek_chain, word({}));
  // A certificate of the same issuer for something else: one key of a device does not pass for its module.
  expect(Refusal::ak_without_ek_chain, word({issue(*root_key_, &root_, "EX-1", *attester_, false, {})}));
  const auto self =
      issue(*attester_, nullptr, "EX-1 attestation", *attester_, false, {std::string(kAttesterUsage)});
  expect(Refusal::ak_without_ek_chain, word({self}));
  auto late = asked();
  late.at = now_ + std::chrono::hours(48);
  const auto file = file_of(module_word(key_->spki_der(), kInside, *attester_, {ak_}));
  expect(Refusal::ak_without_ek_chain, check_file(*engine_, file, late));
  auto itself = module_word(attester_->spki_der(), kInside, *attester_, {ak_});
  const EvidenceFile about_itself{attester_->spki_der(),
                                  {{std::string(kTpm2), encode_module_evidence(itself).value()}}};
  expect(Refusal::attests_itself, check_file(*engine_, about_itself, asked()));
}

TEST_F(EvidenceFileTest, AnImportedKeyThatIsClaimedAsGeneratedIsRefusedByName) {
  auto file = file_of(module_word(key_->spki_der(), kPutIn, *attester_, {ak_}));
  const auto honest = check_file(*engine_, file, asked());
  EXPECT_EQ(honest.standing, Standing::vouched) << honest.reason;
  EXPECT_EQ(honest.origin, KeyOrigin::imported);
  auto check = asked();
  check.must_be_made_inside = true;
  expect(Refusal::imported_as_made, check_file(*engine_, file, check));
  // keystored says otherwise.
  const auto own = make_key();
  auto statement = about(*engine_, key_->spki_der());
  statement.nonce = nonce_;
  file.items.push_back({std::string(kKeystored), signed_by(*engine_, *own, statement)});
  expect(Refusal::imported_as_made, check_file(*engine_, file, asked()));
  statement.origin = KeyOrigin::trust_provisioned;
  file.items.back().evidence = signed_by(*engine_, *own, statement);
  EXPECT_EQ(check_file(*engine_, file, asked()).standing, Standing::vouched);
}

TEST_F(EvidenceFileTest, AKeyThatCouldLeaveIsRefusedByName) {
  const Bytes policy(32, 1);
  expect(Refusal::can_leave,
         check_file(*engine_, file_of(module_word(key_->spki_der(), kPutIn, *attester_, {ak_}, policy)),
                    asked()));
}

TEST_F(EvidenceFileTest, TruncationsAndFilesOfOtherFormsAreRefused) {
  const auto bytes =
      encode_evidence_file(file_of(module_word(key_->spki_der(), kInside, *attester_, {ak_}))).value();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_evidence_file(BytesView(bytes).first(size))) << size;
  EXPECT_FALSE(encode_evidence_file({key_->spki_der(), {}}));
  EXPECT_FALSE(encode_evidence_file({key_->spki_der(), {{"sev-snp", Bytes(4)}}}));
}

}  // namespace
}  // namespace camvault::attestation

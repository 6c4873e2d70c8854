// What modules say about their keys themselves, and keys that agree. AX-4.1-3, NA-2.3-1, NA-2.3-2.
#include "camvault/attestation/attester.h"
#include "camvault/attestation/check.h"
#include "camvault/crypto/key_encoding.h"
#include "camvault/crypto_openssl/tpm_credential.h"
#include "camvault/keystore_software/software_backend.h"
#include "conformance.h"

namespace camvault::conformance {
namespace {

using attestation::Check;
using attestation::KeyOrigin;
using attestation::Refusal;
using attestation::Standing;

class AttestationConformance : public Conformance {
 protected:
  attestation::Finding check(BytesView evidence, BytesView spki, const Bytes& nonce) const {
    return attestation::check(
        *openssl_,
        Check{.type = backend_->kind(), .evidence = evidence, .spki = spki, .nonce = nonce, .attester = {}});
  }
  const Bytes nonce_ = to_bytes(as_bytes("a question of 24 bytes.."));
};

TEST_P(AttestationConformance, TheModuleSaysThatAKeyOfItsOwnWasMadeInside) {
  CAM_NEEDS(backend_->capabilities().attests, "a word of its own about keys");
  for (const auto type : backend_->capabilities().key_types) {
    if (!keystore::has_public_half(type) || type == KeyType::rsa_3072 || type == KeyType::rsa_4096) continue;
    const auto made = backend_->generate(type).value();
    const auto evidence = backend_->attest(type, made.handle, nonce_);
    ASSERT_TRUE(evidence) << to_string(type) << ": " << evidence.error().what;
    const auto found = check(*evidence, made.spki, nonce_);
    EXPECT_EQ(found.standing, Standing::own_word) << to_string(type) << ": " << found.reason;
    EXPECT_EQ(found.origin, KeyOrigin::generated_inside) << to_string(type);
    EXPECT_TRUE(found.hardware_word);
  }
}

TEST_P(AttestationConformance, AnImportedKeyIsSaidToBeImported) {
  CAM_NEEDS(backend_->capabilities().attests && backend_->capabilities().import, "evidence of imported keys");
  const auto source = keystore_software::make_software_backend();
  const auto original = source->generate(KeyType::ec_p256).value();
  const auto made = backend_->import_key(KeyType::ec_p256, original.handle).value();
  const auto found =
      check(backend_->attest(KeyType::ec_p256, made.handle, nonce_).value(), made.spki, nonce_);
  EXPECT_EQ(found.standing, Standing::own_word) << found.reason;
  EXPECT_EQ(found.origin, KeyOrigin::imported);
}

TEST_P(AttestationConformance, OtherKeysOtherQuestionsAndEveryFlippedBitAreRefused) {
  CAM_NEEDS(backend_->capabilities().attests, "a word of its own about keys");
  const auto type = signing_type();
  const auto made = backend_->generate(type).value();
  const auto other = backend_->generate(type).value();
  const auto evidence = backend_->attest(type, made.handle, nonce_).value();
  EXPECT_EQ(check(evidence, other.spki, nonce_).refusal, Refusal::another_key);
  auto later = nonce_;
  ++later.back();
  EXPECT_EQ(check(evidence, made.spki, later).refusal, Refusal::replayed_nonce);
  const auto parts = attestation::decode_module_evidence(evidence).value();
  const auto refused = [&](attestation::ModuleEvidence changed, Bytes attestation::ModuleEvidence::*part) {
    for (std::size_t at = 0; at < (changed.*part).size(); ++at) {
      auto& byte = (changed.*part)[at];
      byte = static_cast<std::uint8_t>(byte ^ 0x10u);
      const auto encoded = attestation::encode_module_evidence(changed).value();
      EXPECT_EQ(check(encoded, made.spki, nonce_).standing, Standing::invalid) << at;
      byte = static_cast<std::uint8_t>(byte ^ 0x10u);
    }
  };
  refused(parts, &attestation::ModuleEvidence::statement);
  refused(parts, &attestation::ModuleEvidence::signature);
  refused(parts, &attestation::ModuleEvidence::context);
}

TEST_P(AttestationConformance, TheAttesterIsTheSameAfterARestartAndNoKeyOfOurs) {
  CAM_NEEDS(backend_->capabilities().attests, "a word of its own about keys");
  const auto before = attestation::decode_attester(backend_->describe_attester().value()).value();
  reopen();
  const auto after = attestation::decode_attester(backend_->describe_attester().value()).value();
  EXPECT_EQ(before.spki, after.spki);
  EXPECT_EQ(before.kind, backend_->kind());
  EXPECT_TRUE(before.simulator);  // all modules of this suite are
  const auto made = backend_->generate(signing_type()).value();
  const auto evidence =
      attestation::decode_module_evidence(backend_->attest(signing_type(), made.handle, nonce_).value())
          .value();
  EXPECT_EQ(evidence.attester_spki, before.spki);
}

TEST_P(AttestationConformance, OnlyTheModuleOfTheRightAttesterOpensACredential) {
  CAM_NEEDS(backend_->kind() == "tpm2", "credential activation");
  const auto sha256 = [&](BytesView bytes) { return openssl_->digest(HashAlg::sha256, bytes); };
  const auto attester = attestation::decode_attester(backend_->describe_attester().value()).value();
  auto name = attestation::check_attester_area(attester, sha256).value();
  const auto opened = [&](BytesView of_name) {
    const auto made = crypto_openssl::make_tpm_credential(attester.endorsement_spki, of_name,
                                                          Secret(as_bytes("the value")));
    EXPECT_TRUE(made) << made.error().what;
    return backend_->activate_credential(attestation::encode_credential({made->blob, made->secret}).value());
  };
  const auto value = opened(name);
  ASSERT_TRUE(value) << value.error().what;
  EXPECT_TRUE(value->equals(as_bytes("the value")));
  name.back() = static_cast<std::uint8_t>(name.back() ^ 1u);
  EXPECT_FALSE(opened(name));
  EXPECT_FALSE(backend_->activate_credential(as_bytes("no credential")));
}

TEST_P(AttestationConformance, KeysThatAgreeDoSoWithEverybodyAndSignNothing) {
  const auto software = keystore_software::make_software_backend();
  bool any = false;
  for (const auto type : {KeyType::ecdh_p256, KeyType::ecdh_p384}) {
    if (!offers(type)) continue;
    any = true;
    const auto alg = *keystore::public_alg_of(type);
    const auto made = backend_->generate(type);
    ASSERT_TRUE(made) << to_string(type) << ": " << made.error().what;
    const auto key = opened(type, *made);
    for (int i = 0; i < 3; ++i) {
      const auto peer = software->generate(type).value();
      const auto theirs = software->open(type, peer.handle).value();
      const auto ours = key->agree(crypto::point_of_spki(alg, peer.spki).value());
      ASSERT_TRUE(ours) << to_string(type) << ": " << ours.error().what;
      const auto same = theirs->agree(crypto::point_of_spki(alg, made->spki).value()).value();
      EXPECT_TRUE(same.reveal([&](BytesView bytes) { return ours->equals(bytes); })) << to_string(type);
      EXPECT_EQ(ours->size(), crypto::coordinate_size(alg));
    }
    // Not on the curve: a small subgroup would tell the key, bit by bit.
    auto off_curve = crypto::point_of_spki(alg, made->spki).value();
    off_curve.back() = static_cast<std::uint8_t>(off_curve.back() ^ 1u);
    EXPECT_FALSE(key->agree(off_curve)) << to_string(type);
    EXPECT_FALSE(key->agree(BytesView(off_curve).first(33))) << to_string(type);
    EXPECT_FALSE(key->agree({})) << to_string(type);
    EXPECT_EQ(key->sign_digest(SignatureScheme::ecdsa, HashAlg::sha256, openssl_->digest(HashAlg::sha256, {}))
                  .error()
                  .code,
              Errc::unsupported);
    if (!backend_->capabilities().import) continue;
    const auto original = software->generate(type).value();
    const auto imported = backend_->import_key(type, original.handle);
    ASSERT_TRUE(imported) << to_string(type) << ": " << imported.error().what;
    EXPECT_EQ(imported->spki, original.spki);
    EXPECT_TRUE(opened(type, *imported)->agree(crypto::point_of_spki(alg, made->spki).value()));
  }
  if (!any) std::printf("%s does not have: keys that agree\n", GetParam().name.c_str());
  if (offers(KeyType::ec_p256)) {
    const auto signing = opened(KeyType::ec_p256, backend_->generate(KeyType::ec_p256).value());
    EXPECT_EQ(signing->agree({}).error().code, Errc::unsupported);
  }
}

INSTANTIATE_TEST_SUITE_P(All, AttestationConformance, testing::ValuesIn(rig_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace camvault::conformance

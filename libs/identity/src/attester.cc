#include "camvault/identity/attester.h"

#include "camvault/attestation/check.h"
#include "camvault/crypto_openssl/tpm_credential.h"

namespace camvault::identity {

using attestation::AttesterDescription;

namespace {
constexpr std::size_t kNonce = 32;
constexpr std::size_t kCredential = 32;

std::function<crypto::Digest(BytesView)> sha256_of(const crypto::Engine& engine) {
  return [&engine](BytesView bytes) { return engine.digest(crypto::HashAlg::sha256, bytes); };
}

// Whose certificate, of those that came along, is for `spki` and leads to a maker of modules.
Result<crypto::Certificate> vouched_certificate(const crypto::Engine& engine,
                                                const AttesterDescription& description, BytesView spki,
                                                const std::vector<crypto::Certificate>& anchors,
                                                Timestamp now) {
  std::vector<crypto::Certificate> chain;
  for (const auto& der : description.certificates) {
    CAM_TRY(auto certificate, engine.certificate_from_der(der));
    chain.push_back(std::move(certificate));
  }
  std::string reason = "the module has no certificate";
  for (const auto& certificate : chain) {
    if (!certificate.key || !equal(certificate.key->spki_der(), spki)) continue;
    crypto::PathRequest path;
    path.leaf = &certificate;
    path.intermediates = &chain;
    path.anchors = &anchors;
    path.at = now;
    path.leaf_signs = description.kind != attestation::kTpm2;  // an EK decrypts
    const auto result = engine.validate_path(path);
    if (result.verdict == crypto::PathVerdict::trusted) return certificate;
    reason = result.reason;
  }
  const auto refusal = description.kind == attestation::kTpm2 ? attestation::Refusal::ak_without_ek_chain
                                                              : attestation::Refusal::attester_unknown;
  return fail(Errc::invalid, std::string(to_string(refusal)) + ": " + reason);
}

// A TPM in software says who it is by the issuer of its EK, whatever the device says.
bool is_simulator(const crypto::Certificate& certificate) {
  const auto names = certificate.subject + " " + certificate.issuer;
  return names.find("swtpm") != std::string::npos || names.find("SIMULATOR") != std::string::npos;
}
}  // namespace

Result<AttesterChallenge> challenge_attester(const crypto::Engine& engine, const AttesterDescription& d,
                                             const std::vector<crypto::Certificate>& module_anchors,
                                             Timestamp now) {
  AttesterChallenge out;
  out.nonce.resize(kNonce);
  engine.random(out.nonce);
  const bool tpm = d.kind == attestation::kTpm2;
  CAM_TRY(const auto certificate,
          vouched_certificate(engine, d, tpm ? d.endorsement_spki : d.spki, module_anchors, now));
  out.simulator = d.simulator || is_simulator(certificate);
  if (!tpm) return out;
  CAM_TRY(const auto name, attestation::check_attester_area(d, sha256_of(engine)));
  out.expected = Secret::make(kCredential, [&](std::span<std::uint8_t> room) { engine.random(room); });
  CAM_TRY(const auto made, crypto_openssl::make_tpm_credential(d.endorsement_spki, name, out.expected));
  CAM_TRY(out.credential, attestation::encode_credential({made.blob, made.secret}));
  return out;
}

Status check_attester_answer(const crypto::Engine& engine, const AttesterDescription& d,
                             const AttesterChallenge& challenge, const AttesterAnswer& answer) {
  const bool opened = challenge.credential.empty() ||
                      answer.opened.reveal([&](BytesView bytes) { return challenge.expected.equals(bytes); });
  if (!opened) return fail(Errc::invalid, "the module did not open what was made for it");
  const auto attester = engine.digest(crypto::HashAlg::sha256, d.spki);
  const auto found = attestation::check(engine, {.type = d.kind,
                                                 .evidence = answer.evidence,
                                                 .spki = answer.spki,
                                                 .nonce = challenge.nonce,
                                                 .attester = attester});
  if (found.standing == attestation::Standing::vouched) return ok();
  return fail(Errc::invalid, std::string(to_string(found.refusal)) + ": " + found.reason);
}

}  // namespace camvault::identity

#include "check_module.h"

#include <algorithm>

namespace camvault::attestation {

using crypto::HashAlg;

namespace {
Finding refused(Finding finding, Refusal refusal, std::string reason) {
  finding.standing = Standing::invalid;
  finding.refusal = refusal;
  finding.reason = std::move(reason);
  return finding;
}

std::string_view name_of(std::string_view kind) {
  return kind == kTpm2 ? "a TPM 2.0" : "a secure element (SE05x)";
}

bool says_simulator(const crypto::Certificate& certificate) {
  return (certificate.subject + certificate.issuer).find("SIMULATOR") != std::string::npos;
}

// The attester's certificate among those that came along, if one leads to an anchor.
std::optional<crypto::Certificate> voucher(const crypto::Engine& engine, const Check& check,
                                           const ModuleEvidence& evidence,
                                           const std::vector<crypto::Certificate>& chain) {
  if (check.anchors == nullptr) return {};
  for (const auto& certificate : chain) {
    if (!certificate.key || certificate.key->spki_der() != evidence.attester_spki) continue;
    crypto::PathRequest path;
    path.leaf = &certificate;
    path.intermediates = &chain;
    path.anchors = check.anchors;
    path.at = check.at;
    path.required_eku = kAttesterUsage;
    if (engine.validate_path(path).verdict == crypto::PathVerdict::trusted) return certificate;
  }
  return {};
}

std::string described(const Finding& f, bool vouched) {
  std::string made = f.origin == KeyOrigin::generated_inside ? "was generated inside it"
                     : f.origin == KeyOrigin::trust_provisioned
                         ? "was put in by the module's maker"
                         : "was imported: whoever had it before may have it still";
  return std::string(name_of(f.backend)) + (f.simulator ? ", SIMULATED," : "") +
         " says that it holds the key, cannot give it away, and that the key " + made +
         (vouched ? "" : "; nobody vouches for the attestation key that says so");
}
}  // namespace

std::shared_ptr<const crypto::PublicKey> attester_key(const crypto::Engine& engine, BytesView spki) {
  const auto key = engine.public_key_from_spki(spki);
  if (!key || !equal((*key)->spki_der(), spki)) return nullptr;
  return *key;
}

Finding check_module(const crypto::Engine& engine, const Check& check) {
  const auto sha256 = [&](BytesView bytes) { return engine.digest(HashAlg::sha256, bytes); };
  Finding out;
  out.backend = std::string(check.type);
  out.hardware_word = true;
  const auto evidence = decode_module_evidence(check.evidence);
  if (!evidence) return refused(out, Refusal::malformed, evidence.error().what);
  if (evidence->kind != check.type)
    return refused(out, Refusal::malformed, "the evidence is of another kind than it is said to be");
  const auto attester = attester_key(engine, evidence->attester_spki);
  const auto covered = signed_bytes(*evidence, sha256);
  if (!attester || !covered || !crypto::is_ecdsa(attester->alg()) ||
      !attester->verify_digest(crypto::SignatureScheme::ecdsa, HashAlg::sha256, sha256(*covered),
                                  evidence->signature)) {
    return refused(out, Refusal::bad_signature, "the attestation's signature does not verify");
  }
  const auto key = engine.public_key_from_spki(check.spki);
  if (!key) return refused(out, Refusal::malformed, "the key that this should be about cannot be read");
  const auto statement = read_module_statement(*evidence, (*key)->alg(), sha256);
  if (!statement) return refused(out, Refusal::another_key, statement.error().what);
  out.origin = statement->origin;
  if (!equal(statement->spki, check.spki))
    return refused(out, Refusal::another_key, "the attestation is about another key");
  if (check.nonce && statement->nonce != nonce_for(check.type, *check.nonce, sha256))
    return refused(out, Refusal::replayed_nonce, "the attestation was made for another question");
  if (equal(evidence->attester_spki, check.spki))
    return refused(out, Refusal::attests_itself, "the key attests itself");
  if (statement->leaves)
    return refused(out, Refusal::can_leave, "the module would give the key away, or another in its place");

  std::vector<crypto::Certificate> chain;
  for (const auto& der : evidence->chain) {
    auto certificate = engine.certificate_from_der(der);
    if (!certificate) return refused(out, Refusal::malformed, "a certificate of the attester cannot be read");
    chain.push_back(std::move(*certificate));
  }
  const auto certificate = voucher(engine, check, *evidence, chain);
  const bool named = check.attester && *check.attester == sha256(evidence->attester_spki);
  const bool vouched = certificate || named;
  out.simulator =
      certificate ? says_simulator(*certificate) : std::any_of(chain.begin(), chain.end(), says_simulator);
  out.standing = vouched ? Standing::vouched : Standing::own_word;
  out.refusal = vouched               ? Refusal::none
                : check.type == kTpm2 ? Refusal::ak_without_ek_chain
                                      : Refusal::attester_unknown;
  out.reason = described(out, vouched);
  return out;
}

}  // namespace camvault::attestation

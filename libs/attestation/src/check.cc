#include "camvault/attestation/check.h"

#include <algorithm>

#include "check_module.h"

namespace camvault::attestation {

namespace {
Finding refused(Finding finding, Refusal refusal, std::string reason) {
  finding.standing = refusal == Refusal::unsupported ? Standing::unsupported : Standing::invalid;
  finding.refusal = refusal;
  finding.reason = std::move(reason);
  return finding;
}

bool verifies(const crypto::Engine& engine, const KeystoredEvidence& e) {
  const auto key = attester_key(engine, e.attester_spki);
  if (!key) return false;
  if (e.scheme == crypto::SignatureScheme::ed25519)
    return key->alg() == crypto::KeyAlg::ed25519 && key->verify_message(e.statement, e.signature);
  const bool fits = e.scheme == crypto::SignatureScheme::ecdsa ? crypto::is_ecdsa(key->alg())
                                                               : crypto::is_rsa(key->alg());
  return fits && key->verify_digest(e.scheme, e.hash, engine.digest(e.hash, e.statement), e.signature);
}

std::string described(const KeystoredStatement& s) {
  return "the key is held by a keystore of kind \"" + s.backend + "\"" +
         (s.simulator ? " (a simulator)" : "") + " and was " +
         (s.origin == KeyOrigin::trust_provisioned ? "put in by the maker"
                                                   : std::string(to_string(s.origin)));
}

Finding check_keystored(const crypto::Engine& engine, const Check& check) {
  Finding out;
  const auto evidence = decode_evidence(check.evidence);
  if (!evidence) return refused(out, Refusal::malformed, evidence.error().what);
  const auto statement = decode_statement(evidence->statement);
  if (!statement) return refused(out, Refusal::malformed, statement.error().what);
  out.statement = *statement;
  out.origin = statement->origin;
  out.backend = statement->backend;
  out.simulator = statement->simulator;
  if (!verifies(engine, *evidence))
    return refused(out, Refusal::bad_signature, "the attestation's signature does not verify");
  if (!(statement->spki_sha256 == engine.digest(crypto::HashAlg::sha256, check.spki)))
    return refused(out, Refusal::another_key, "the attestation is about another key");
  if (check.nonce && *check.nonce != statement->nonce)
    return refused(out, Refusal::replayed_nonce, "the attestation was made for another question");
  const auto attester = engine.digest(crypto::HashAlg::sha256, evidence->attester_spki);
  if (check.attester && !(*check.attester == attester)) {
    return refused(out, Refusal::another_attester,
                   "the attestation was made by another key than this device's");
  }
  if (equal(evidence->attester_spki, check.spki))
    return refused(out, Refusal::attests_itself, "the key attests itself");
  out.standing = check.attester ? Standing::vouched : Standing::own_word;
  out.refusal = check.attester ? Refusal::none : Refusal::attester_unknown;
  out.reason = "keystored, a program, says that " + described(*statement) +
               (check.attester ? "" : "; nobody vouches for the key that says so");
  return out;
}
}  // namespace

std::string_view to_string(Standing standing) {
  switch (standing) {
    case Standing::vouched:
      return "vouched";
    case Standing::own_word:
      return "own_word";
    case Standing::invalid:
      return "invalid";
    case Standing::unsupported:
      return "unsupported";
  }
  return "?";
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::none:
      return "none";
    case Refusal::malformed:
      return "malformed";
    case Refusal::bad_signature:
      return "bad-signature";
    case Refusal::another_key:
      return "another-key";
    case Refusal::replayed_nonce:
      return "replayed-nonce";
    case Refusal::another_attester:
      return "another-attester";
    case Refusal::attests_itself:
      return "attests-itself";
    case Refusal::imported_as_made:
      return "imported-as-made";
    case Refusal::can_leave:
      return "can-leave";
    case Refusal::ak_without_ek_chain:
      return "ak-without-ek-chain";
    case Refusal::attester_unknown:
      return "attester-unknown";
    case Refusal::unsupported:
      return "unsupported";
  }
  return "?";
}

Finding check(const crypto::Engine& engine, const Check& check) {
  if (check.type == kKeystored) return check_keystored(engine, check);
  if (check.type == kTpm2 || check.type == kSe05x) return check_module(engine, check);
  return refused({}, Refusal::unsupported, "attestation of a kind that this version cannot check");
}

}  // namespace camvault::attestation

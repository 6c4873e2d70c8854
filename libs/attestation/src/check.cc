#include "camvault/attestation/check.h"

namespace camvault::attestation {

namespace {
Finding finding(Standing standing, std::string reason) {
  Finding out;
  out.standing = standing;
  out.reason = std::move(reason);
  return out;
}

bool verifies(const crypto::Engine& engine, const KeystoredEvidence& e) {
  const auto key = engine.public_key_from_spki(e.attester_spki);
  if (!key) return false;
  if (e.scheme == crypto::SignatureScheme::ed25519)
    return (*key)->alg() == crypto::KeyAlg::ed25519 && (*key)->verify_message(e.statement, e.signature);
  const bool fits = e.scheme == crypto::SignatureScheme::ecdsa ? crypto::is_ecdsa((*key)->alg())
                                                               : crypto::is_rsa((*key)->alg());
  return fits && (*key)->verify_digest(e.scheme, e.hash, engine.digest(e.hash, e.statement), e.signature);
}

std::string described(const KeystoredStatement& s) {
  return "the key is held by a keystore of kind \"" + s.backend + "\"" +
         (s.simulator ? " (a simulator)" : "") + " and was " +
         (s.origin == KeyOrigin::trust_provisioned ? "put in by the maker"
                                                   : std::string(to_string(s.origin)));
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

Finding check(const crypto::Engine& engine, const Check& check) {
  if (check.type != kKeystored)
    return finding(Standing::unsupported, "attestation of a kind that this version cannot check");
  const auto evidence = decode_evidence(check.evidence);
  if (!evidence) return finding(Standing::invalid, evidence.error().what);
  const auto statement = decode_statement(evidence->statement);
  if (!statement) return finding(Standing::invalid, statement.error().what);
  auto out = finding(Standing::invalid, "");
  out.statement = *statement;
  if (!verifies(engine, *evidence)) {
    out.reason = "the attestation's signature does not verify";
    return out;
  }
  if (!(statement->spki_sha256 == engine.digest(crypto::HashAlg::sha256, check.spki))) {
    out.reason = "the attestation is about another key";
    return out;
  }
  if (check.nonce && *check.nonce != statement->nonce) {
    out.reason = "the attestation was made for another question";
    return out;
  }
  const auto attester = engine.digest(crypto::HashAlg::sha256, evidence->attester_spki);
  if (check.attester && !(*check.attester == attester)) {
    out.reason = "the attestation was made by another key than this device's";
    return out;
  }
  if (equal(evidence->attester_spki, check.spki)) {
    out.reason = "the key attests itself";
    return out;
  }
  out.standing = check.attester ? Standing::vouched : Standing::own_word;
  out.reason = "keystored, a program, says that " + described(*statement) +
               (check.attester ? "" : "; nobody vouches for the key that says so");
  return out;
}

}  // namespace camvault::attestation

#include "sei_ahead.h"

namespace camvault::signed_video {

KeysAhead guess_keys(codec::Codec codec, const crypto::Engine& engine, const Trust& trust,
                     BytesView first_sei) {
  KeysAhead keys{trust.signing_key(false), trust.signing_key(true)};
  if (keys.of_gops != nullptr) return keys;
  const auto message = read_sei_message(codec, first_sei);
  if (!message) return keys;
  for (const auto& chain : message->chains) {
    const auto certificates = engine.certificates_from_pem(chain.pem, kMaxChain);
    if (!certificates || certificates->empty()) continue;
    const auto& key = certificates->front().key;
    if (!chain.user_provisioned) keys.of_certificate_seis = key;
    if (chain.user_provisioned || keys.of_gops == nullptr) keys.of_gops = key;
  }
  return keys;
}

void look_ahead(codec::Codec codec, const crypto::Engine& engine, const KeysAhead& keys, crypto::HashAlg hash,
                BytesView unit, SeiAhead& out) {
  out.read = read_sei_message(codec, unit);
  if (!*out.read || !(*out.read)->is_signed()) return;
  const auto& message = **out.read;
  const auto& key = message.certificate_sei ? keys.of_certificate_seis : keys.of_gops;
  if (key == nullptr) return;
  const auto alg = signature_hash_of(message, hash);
  out.check = check_signature(key, message, engine.digest(alg, message.document), alg);
}

void look_ahead_at_supplement(codec::Codec codec, const crypto::Engine& engine, const KeysAhead& keys,
                              BytesView unit, SeiAhead& out) {
  out.supplement = read_supplement(codec, unit);
  if (*out.supplement && keys.of_gops != nullptr)
    out.check = check_supplement(keys.of_gops, engine, **out.supplement);
}

SignatureCheck check_supplement(std::shared_ptr<const crypto::PublicKey> key, const crypto::Engine& engine,
                                const Supplement& supplement) {
  SeiMessage message;
  message.signature = supplement.signature;
  const auto digest = engine.digest(supplement.hash, supplement.document);
  return check_signature(std::move(key), message, digest, supplement.hash);
}

}  // namespace camvault::signed_video

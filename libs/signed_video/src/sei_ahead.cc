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

SeiAhead look_ahead(codec::Codec codec, const crypto::Engine& engine, const KeysAhead& keys,
                    crypto::HashAlg hash, BytesView unit) {
  SeiAhead ahead;
  ahead.read = read_sei_message(codec, unit);
  if (!*ahead.read || !(*ahead.read)->is_signed()) return ahead;
  const auto& message = **ahead.read;
  const auto& key = message.certificate_sei ? keys.of_certificate_seis : keys.of_gops;
  if (key == nullptr) return ahead;
  const auto alg = signature_hash_of(message, hash);
  ahead.check = check_signature(key, message, engine.digest(alg, message.document), alg);
  return ahead;
}

}  // namespace camvault::signed_video

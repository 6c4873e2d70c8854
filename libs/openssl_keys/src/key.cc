#include "camvault/openssl_keys/key.h"

namespace camvault::openssl_keys {

Result<SharedKey> make_key(std::shared_ptr<crypto::SigningKey> signer) {
  const auto alg = signer->alg();
  CAM_TRY(auto numbers, crypto::read_public_key(alg, signer->spki_der()));
  return std::make_shared<const Key>(Key{std::move(signer), alg, std::move(numbers)});
}

const char* type_name(crypto::KeyAlg alg) {
  return alg == crypto::KeyAlg::ed25519 ? "ED25519" : crypto::is_rsa(alg) ? "RSA" : "EC";
}

}  // namespace camvault::openssl_keys

// A key as OpenSSL holds it for us: its public half, and who makes its signatures.
#pragma once

#include <memory>

#include "camvault/crypto/der_values.h"
#include "camvault/crypto/key.h"

namespace camvault::openssl_keys {

struct Key {
  std::shared_ptr<crypto::SigningKey> signer;
  crypto::KeyAlg alg;
  crypto::PublicNumbers numbers;
};

// Shared between OpenSSL's key and the operations that use it; immutable.
using SharedKey = std::shared_ptr<const Key>;

Result<SharedKey> make_key(std::shared_ptr<crypto::SigningKey> signer);

// "EC", "RSA" or "ED25519".
const char* type_name(crypto::KeyAlg alg);

}  // namespace camvault::openssl_keys

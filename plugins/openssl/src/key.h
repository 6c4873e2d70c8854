// A key of keystored as OpenSSL holds it: its name and its public half.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "camvault/crypto/der_values.h"
#include "camvault/keystore/keystore.h"

namespace camvault::openssl_provider {

struct Key {
  keystore::KeyInfo info;
  crypto::KeyAlg alg;
  crypto::PublicNumbers numbers;
};

// Shared between OpenSSL's key and the operations that use it; immutable.
using SharedKey = std::shared_ptr<const Key>;

// Looks the key up in keystored: "camera/https". Errc::denied for keys that programs do not sign with in this
// way (serves_programs).
Result<SharedKey> open_key(std::string_view name);

// "EC", "RSA" or "ED25519".
const char* type_name(crypto::KeyAlg alg);

// Signatures; keystored decides each time.
Result<Bytes> sign_digest(const Key& key, crypto::SignatureScheme scheme, const crypto::Digest& digest,
                          crypto::HashAlg hash);
Result<Bytes> sign_message(const Key& key, BytesView message);  // Ed25519

}  // namespace camvault::openssl_provider

// The one place where private keys meet OpenSSL: key objects, signatures, AES-GCM, HMAC, HKDF, random
// numbers.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "camvault/base/secret.h"
#include "camvault/crypto/key.h"
#include "camvault/keystore/key_type.h"

struct evp_pkey_st;

namespace camvault::keystore_software::openssl {

using keystore::KeyType;

struct FreePkey {
  void operator()(evp_pkey_st* key) const;
};
using Pkey = std::unique_ptr<evp_pkey_st, FreePkey>;

bool init_locked_heap(std::size_t bytes);

Result<Pkey> generate(KeyType type);
// Exactly one unencrypted PKCS#8 structure of exactly this type, with consistent numbers.
Result<Pkey> parse_pkcs8(KeyType type, BytesView der);
// The same, for bytes that this module wrote and authenticated: without the checks that take long.
Result<Pkey> parse_own_pkcs8(BytesView der);
Result<Secret> to_pkcs8(const Pkey& key);
Result<Bytes> to_spki(const Pkey& key);

Result<Bytes> sign_digest(const Pkey& key, crypto::SignatureScheme scheme, crypto::HashAlg hash,
                          BytesView digest);
Result<Bytes> sign_ed25519(const Pkey& key, BytesView message);
Result<crypto::Digest> digest(crypto::HashAlg hash, BytesView message);

inline constexpr std::size_t kGcmKey = 32;
inline constexpr std::size_t kGcmNonce = 12;
inline constexpr std::size_t kGcmTag = 16;
// ciphertext || tag
Result<Bytes> gcm_seal(BytesView key, BytesView nonce, BytesView additional, BytesView plain);
Result<Secret> gcm_open(BytesView key, BytesView nonce, BytesView additional, BytesView sealed);

crypto::Digest sha256(BytesView message);
Result<Bytes> hmac_sha256(BytesView key, BytesView message);
Result<Secret> hkdf_sha256(BytesView key, BytesView salt, BytesView info, std::size_t size);
// ECDH with a point 04 || X || Y of the same curve: the X coordinate.
Result<Secret> agree(const Pkey& key, BytesView point);
Result<Secret> pbkdf2(BytesView password, BytesView salt, std::uint32_t rounds, std::size_t size, bool sha1);
Status random(std::span<std::uint8_t> out);          // public values: nonces, salts
Status random_private(std::span<std::uint8_t> out);  // keys: a generator of its own

}  // namespace camvault::keystore_software::openssl

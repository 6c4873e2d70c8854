// Where keys really live: one implementation per kind of hardware, and one in software.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/secret.h"
#include "camvault/crypto/key.h"
#include "camvault/keystore/key_type.h"

namespace camvault::keystore_engine {

using keystore::KeyType;

struct Capabilities {
  std::vector<KeyType> key_types;
  bool import = false;
  bool simulator = false;
  std::string protection;  // what keys in this backend are and are not protected against, in plain words
};

// A key ready for use. Immutable; used by many threads at once. What a backend's key does not do is
// Errc::unsupported.
class BackendKey {
 public:
  virtual ~BackendKey() = default;
  virtual Result<Bytes> sign_digest(crypto::SignatureScheme scheme, crypto::HashAlg hash,
                                    const crypto::Digest& digest) const;
  virtual Result<Bytes> sign_message(crypto::SignatureScheme scheme, crypto::HashAlg hash,
                                     BytesView message) const;
  virtual Result<Bytes> encrypt(BytesView plaintext,
                                BytesView additional) const;  // nonce || ciphertext || tag
  virtual Result<Secret> decrypt(BytesView sealed, BytesView additional) const;
  virtual Result<Bytes> mac(BytesView message) const;
};

struct NewKey {
  Secret
      handle;  // all that the backend needs to open the key again: a private key, a token's blob or object id
  Bytes spki;  // SubjectPublicKeyInfo; empty for symmetric keys
};

// Thread-safe. The engine keeps handles: sealed, and bound to name and policy of the key.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;  // [a-z0-9_]+, stored in key files
  virtual Capabilities capabilities() const = 0;
  // True if using such a key is so short (well under a millisecond) that it need not wait for a worker.
  virtual bool is_quick(KeyType type) const = 0;
  virtual Result<NewKey> generate(KeyType type) = 0;
  // See Keystore::import_key for the forms. Errc::invalid if it is no key of that type.
  virtual Result<NewKey> import_key(KeyType type, const Secret& key) = 0;
  virtual Result<std::shared_ptr<const BackendKey>> open(KeyType type, const Secret& handle) = 0;
  // The key's file is gone already; a token frees its object here.
  virtual Status destroy(KeyType type, const Secret& handle);
  virtual Status random(std::span<std::uint8_t> out) = 0;
};

// The root key in use. Thread-safe.
class Sealer {
 public:
  virtual ~Sealer() = default;
  // AES-256-GCM under a key derived for this one call; `additional` is authenticated and must be given again.
  virtual Result<Bytes> seal(const Secret& plain, BytesView additional) = 0;
  virtual Result<Secret> open(BytesView sealed,
                              BytesView additional) = 0;  // Errc::invalid if anything was changed
  virtual std::string describe() const = 0;  // where the root key is and what that protects, in plain words
};

}  // namespace camvault::keystore_engine

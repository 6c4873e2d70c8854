// Where keys really live: one implementation per kind of hardware, and one in software. keystored holds
// several at once (docs/keystore.md); one conformance suite runs against all of them (tests/conformance).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/secret.h"
#include "camvault/crypto/key.h"
#include "camvault/keystore/derivation.h"
#include "camvault/keystore/key_type.h"

namespace camvault::keystore_engine {

using keystore::KeyType;

struct Capabilities {
  std::vector<KeyType> key_types;
  bool import = false;
  bool simulator = false;
  std::string protection;  // what keys in this backend are and are not protected against, in plain words
  // Certificates of the module that somebody can look up ("FIPS 140-2 level 3, #4125"); empty: uncertified.
  std::string certification = {};
  bool seals = false;     // seal_to_platform, unseal_from_platform
  bool counters = false;  // read_counter, increment_counter
  bool attests = false;   // attest, describe_attester
  // RSA keys sign digests that somebody else has made. Without it they sign messages only, which the module
  // hashes.
  bool rsa_signs_digests = true;
};

// How the module does. A value: no more is asked of a module that may hang.
struct Health {
  bool usable = true;
  std::string detail = {};                       // one clause for people: "ready", "no answer since ..."
  std::string module = {};                       // who made it and its version, as it says itself
  std::optional<std::uint32_t> free_slots = {};  // keys that still fit, if the module says so
};

// What the daemon's sandbox must leave open for a backend. Asked once, before the doors close.
struct SandboxNeeds {
  struct Path {
    std::filesystem::path path;  // a file, device or folder; one that is not there (yet) cannot be allowed
    bool write = false;
    bool device = false;  // ioctl(2) too
  };
  std::vector<Path> paths = {};
  bool unix_sockets = false;  // connects to sockets of this machine: simulators, modules with a daemon
  bool foreign_code = false;  // runs a library of somebody else: what it tries to open is refused, not fatal
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
  // Types that agree: the X coordinate of ECDH with a point 04 || X || Y of the same curve. Errc::invalid if
  // it is not on the curve.
  virtual Result<Secret> agree(BytesView point) const;
  // Secrets. `derivation` has been checked (keystore::check_derivation).
  virtual Result<bool> compare(BytesView candidate) const;  // in constant time
  virtual Result<Secret> derive(const keystore::Derivation& derivation) const;
};

struct NewKey {
  Secret
      handle;  // all that the backend needs to open the key again: a private key, a token's blob or object id
  Bytes spki;  // SubjectPublicKeyInfo; empty for symmetric keys
};

// Thread-safe. The engine keeps handles: sealed, and bound to name and policy of the key.
//
// A backend is made before the daemon's sandbox closes: its factory loads code, start() starts threads. The
// module need not be there then. A module that is absent, vanished or stopped is Errc::unavailable, from
// every call, and is tried again at the next one: no call ever breaks a backend for good.
class Backend {
 public:
  virtual ~Backend() = default;
  // [a-z0-9._-]{1,32}, unique in one daemon, stored in key files: from the configuration, by default kind().
  virtual std::string_view name() const = 0;
  virtual std::string_view kind() const { return name(); }  // "software", "tpm2", "pkcs11", "se05x"
  // Neither of these two waits for the module: they tell what was seen last.
  virtual Capabilities capabilities() const = 0;
  virtual Health health() const;
  virtual SandboxNeeds needs() const { return {}; }
  // Called once, when files are restricted already and system calls are not yet: for threads, and for what a
  // foreign library does at its start. Without it the first call does the same.
  virtual void start() {}
  // Called once, before any key is used, with the handles of all keys of this backend that have a file; not
  // called if a file is damaged. What the backend has made itself and is not among them is nobody's: a key
  // whose file was never written because the power went. Must not wait for the module.
  virtual void settle(std::vector<Secret> handles);
  // True if using such a key is so short (well under a millisecond) that it need not wait for a worker.
  virtual bool is_quick(KeyType type) const = 0;
  // Calls worth having in the module at once: the daemon gives a backend that many threads of its own, so
  // that one that hangs holds up nobody else.
  virtual std::size_t parallel() const { return 2; }
  virtual Result<NewKey> generate(KeyType type) = 0;
  // See Keystore::import_key for the forms. Errc::invalid if it is no key of that type.
  virtual Result<NewKey> import_key(KeyType type, const Secret& key) = 0;
  // Errc::invalid: no handle of this backend, or of a key that the module does not hold.
  virtual Result<std::shared_ptr<const BackendKey>> open(KeyType type, const Secret& handle) = 0;
  // The key's file is gone already; a token frees its object here.
  virtual Status destroy(KeyType type, const Secret& handle);
  // The key as import_key takes it, for moving it into another backend. Only a backend that protects a key by
  // nothing but this process has one to give: the others refuse (Errc::unsupported), for ever.
  virtual Result<Secret> take_out(KeyType type, const Secret& handle);
  virtual Status random(std::span<std::uint8_t> out) = 0;

  // What the module itself signs about one of its key pairs: attestation::ModuleEvidence, encoded, without
  // the certificate that a factory may have given the module's attestation key. `nonce`: 8 to 64 bytes of the
  // asker's. The attestation key is the module's own: no other call reaches it.
  virtual Result<Bytes> attest(KeyType type, const Secret& handle, BytesView nonce);
  // That attestation key, for whoever gives it a certificate: attestation::AttesterDescription, encoded.
  virtual Result<Bytes> describe_attester();
  // Opens an attestation::Credential, encoded: TPM2_ActivateCredential. Errc::invalid if it was made for
  // another module or another attestation key.
  virtual Result<Secret> activate_credential(BytesView credential);

  // At most kMaxSealed bytes, bound to the state of the platform now (TPM: PCRs 0 to 7); anything later that
  // changes it makes unsealing Errc::denied. What comes back is opaque and may be stored anywhere.
  static constexpr std::size_t kMaxSealed = 128;
  virtual Result<Bytes> seal_to_platform(const Secret& plain);
  virtual Result<Secret> unseal_from_platform(BytesView sealed);

  // Counters 0 to 15 that only grow, in the module, whatever is put back on disk. The first use makes one;
  // its first value is the module's choice.
  static constexpr std::uint32_t kCounters = 16;
  virtual Result<std::uint64_t> read_counter(std::uint32_t number);
  virtual Result<std::uint64_t> increment_counter(std::uint32_t number);  // the new value
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

// The keystore as its clients see it: keys have names, and are used without ever being held.
// `ipc::connect_keystore` (camvault/ipc/keystore_client.h) gives one that talks to keystored.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/secret.h"
#include "camvault/base/time.h"
#include "camvault/crypto/key.h"
#include "camvault/keystore/derivation.h"
#include "camvault/keystore/key_name.h"
#include "camvault/keystore/key_policy.h"
#include "camvault/keystore/key_type.h"

namespace camvault::keystore {

class TlsSecrets;  // camvault/keystore/tls_secrets.h

struct KeyInfo {
  KeyName name;
  KeyType type;
  KeyPolicy policy;
  Origin origin;
  Timestamp created;    // by the keystore's clock, whole seconds
  std::string backend;  // the name of the module that holds it: "software", ...
};

// The key and what the caller means to do with it. keystored refuses if that is not the key's purpose: a
// program with a wrong key name in its configuration gets an error, not a signature by the wrong key.
struct KeyUse {
  KeyName key;
  Purpose purpose;
};

// One protective mechanism of the service, whether it is at work, and what that means.
struct Mechanism {
  std::string name;  // "own_uid", "seccomp", ...
  bool active = false;
  std::string detail;  // one sentence for people
};

// A module that holds keys. The first one of a service takes new keys unless a rule or the caller says
// another.
struct BackendStatus {
  std::string name;
  std::string kind;  // "software", "tpm2", "pkcs11", "se05x"
  bool simulator = false;
  std::vector<KeyType> key_types;  // known once the module was there
  std::string protection;          // what holding keys there does and does not protect, in plain words
  bool usable = true;              // as seen last
  std::string health;              // the same in one clause for people
  std::string module;              // maker and version, as the module says itself; may be empty
  std::string certification;       // certificates of the module that can be looked up; empty: uncertified
  std::optional<std::uint32_t> free_slots;  // keys that still fit, if the module says so
};

struct ServiceStatus {
  std::string version;
  std::uint64_t keys = 0;            // all that can be used, of all applications
  std::vector<std::string> damaged;  // names of key files that cannot be read; of the caller's applications
  std::vector<Mechanism> mechanisms;
  std::vector<BackendStatus> backends;
  std::string root_key;  // where the root key is and what that protects, in plain words
};

inline constexpr std::size_t kMaxMessage =
    48 * 1024;  // message, plaintext and additional data together, bytes
inline constexpr std::size_t kMaxRandom = 4096;

// What to do when the key of a name cannot leave its module.
enum class MoveMode : std::uint8_t {
  same_key,  // refuse: only a key whose backend can give it away moves
  new_key,   // bind the name to a key that is made in the other backend. Its public half is another one
};

// Errors of all operations: denied (policy; also purpose or algorithm the key is not for), not_found, exists,
// limit, usage, unsupported (the backend does not have it), invalid (decryption: changed data or another key;
// or a damaged key file), unavailable (no service there, connection lost, the key's module does not answer).
// Thread-safe.
class Keystore {
 public:
  virtual ~Keystore() = default;

  virtual Result<ServiceStatus> status() = 0;
  // Keys of all applications the caller belongs to, ascending by name.
  virtual Result<std::vector<KeyInfo>> list() = 0;
  virtual Result<KeyInfo> info(const KeyName& name) = 0;

  // Makes a key inside: in the named backend, or where the application's rule says. Refused with Errc::exists
  // if the name is taken: no key is ever replaced. Errc::not_found if there is no such backend.
  virtual Result<KeyInfo> generate_in(std::string_view backend, const KeyName& name, KeyType type,
                                      const KeyPolicy& policy) = 0;
  Result<KeyInfo> generate(const KeyName& name, KeyType type, const KeyPolicy& policy) {
    return generate_in({}, name, type, policy);
  }
  // `key`: unencrypted PKCS#8 DER for signing keys, 32 bytes for aes_256, 32 to 64 bytes for hmac_sha256.
  virtual Result<KeyInfo> import_key(const KeyName& name, KeyType type, const KeyPolicy& policy,
                                     const Secret& key) = 0;
  virtual Status remove(const KeyName& name) = 0;
  // Lets another backend hold what stands behind the name, with the same policy; applications keep the name.
  // A key that is taken over so was outside that module: its origin is then `imported`. The old one is
  // destroyed. Errc::unsupported if the key cannot leave its module (same_key), or if data that it encrypted
  // would be lost (new_key, of a data-encryption key).
  virtual Result<KeyInfo> move(const KeyName& name, std::string_view backend, MoveMode mode) = 0;

  virtual Result<Bytes> public_key(const KeyName& name) = 0;  // SubjectPublicKeyInfo, DER

  virtual Result<Bytes> sign_digest(const KeyUse& use, crypto::SignatureScheme scheme,
                                    const crypto::Digest& digest, crypto::HashAlg hash) = 0;
  // The keystore hashes the message (at most kMaxMessage); `hash` is ignored for ed25519.
  virtual Result<Bytes> sign_message(const KeyUse& use, crypto::SignatureScheme scheme, BytesView message,
                                     crypto::HashAlg hash) = 0;

  virtual Result<Bytes> random(std::size_t count) = 0;  // 1 to kMaxRandom bytes

  // AES-256-GCM with a random nonce; sealed = nonce (12) || ciphertext || tag (16). At most 2^32 per key (SP
  // 800-38D 8.3).
  virtual Result<Bytes> encrypt(const KeyUse& use, BytesView plaintext, BytesView additional) = 0;
  virtual Result<Secret> decrypt(const KeyUse& use, BytesView sealed, BytesView additional) = 0;

  virtual Result<Bytes> mac(const KeyUse& use, BytesView message) = 0;  // HMAC-SHA256, 32 bytes

  // Evidence of where `key` lives: attestation::KeystoredEvidence (docs/formats/attestation.md), signed with
  // `attester`, a key of the purpose attestation, which does nothing else. `nonce`: 8 to 64 bytes of the
  // caller's choice. Errc::unsupported for a symmetric key.
  virtual Result<Bytes> attest(const KeyName& key, const KeyName& attester, BytesView nonce) = 0;

  // What the module that holds `key` says itself: attestation::ModuleEvidence. Errc::unsupported if it does
  // not speak (software, PKCS#11) and for symmetric keys.
  virtual Result<Bytes> certify(const KeyName& key, BytesView nonce) = 0;
  // The attestation key of the module that holds `key`: attestation::AttesterDescription.
  virtual Result<Bytes> attester(const KeyName& key) = 0;
  // Opens an attestation::Credential made for that attestation key. Errc::invalid if it was made for another.
  virtual Result<Secret> activate(const KeyName& key, BytesView credential) = 0;

  // ECDH (SP 800-56A 5.7.1.2): the X coordinate. `peer`: SubjectPublicKeyInfo, DER, of the same curve.
  virtual Result<Secret> agree(const KeyUse& use, BytesView peer) = 0;
  // Is this the secret? In constant time. After some wrong tries Errc::unavailable for a while, whatever the
  // candidate.
  virtual Result<bool> compare(const KeyUse& use, const Secret& candidate) = 0;
  virtual Result<Secret> derive(const KeyUse& use, const Derivation& derivation) = 0;

  // A KeyType::counter. A module's cannot be set back; the software backend's is a stand-in that somebody who
  // puts an old copy of the disk back sets back.
  virtual Result<std::uint64_t> read_counter(const KeyName& name) = 0;
  virtual Result<std::uint64_t> increment_counter(const KeyName& name) = 0;  // the new value

  // At most 128 bytes, bound to the state of the platform now, and to `label` ("application/what it is").
  // Nothing is stored: the caller keeps what comes back. Errc::unsupported if the backend knows no such
  // state.
  virtual Result<Bytes> seal(const KeyName& label, const Secret& plain, std::string_view backend) = 0;
  // Errc::denied if the platform's state is another one, Errc::invalid for another label or changed bytes.
  virtual Result<Secret> unseal(const KeyName& label, BytesView sealed) = 0;

  // The key for its owner, whom the service's configuration names: CMS (docs/formats/keystore-backup.md).
  // Errc::denied if the key's policy does not allow it.
  virtual Result<Bytes> backup(const KeyName& name) = 0;
  // As import_key; the origin is always `imported`.
  virtual Result<KeyInfo> restore(const KeyName& name, KeyType type, const KeyPolicy& policy,
                                  const Secret& key) = 0;

  // A place for secrets of TLS handshakes, of the caller's own; it outlives this object.
  virtual Result<std::shared_ptr<TlsSecrets>> tls_secrets() = 0;

  // A key to sign with. It keeps what it needs of the connection; it outlives this object. sign_async never
  // blocks: the signature arrives on a thread of the client.
  virtual Result<std::shared_ptr<crypto::SigningKey>> signing_key(const KeyUse& use) = 0;
};

}  // namespace camvault::keystore

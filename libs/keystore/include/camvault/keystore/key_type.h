// What kinds of key the keystore makes, and where a key came from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "camvault/crypto/key.h"

namespace camvault::keystore {

enum class KeyType : std::uint8_t {
  ec_p256,
  ec_p384,
  ec_p521,
  rsa_2048,
  rsa_3072,
  rsa_4096,
  ed25519,
  aes_256,      // AES-256-GCM
  hmac_sha256,  // 32 bytes when generated, 32 to 64 when imported
  ecdh_p256,    // key agreement; the same numbers as ec_p256, for keys that never sign
  ecdh_p384,
  secret,   // a password, PSK or token of 1 to 128 bytes, used inside; 32 random bytes when generated
  counter,  // a number that only grows
};

inline constexpr KeyType kAllKeyTypes[] = {
    KeyType::ec_p256,   KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa_2048,    KeyType::rsa_3072,
    KeyType::rsa_4096,  KeyType::ed25519, KeyType::aes_256, KeyType::hmac_sha256, KeyType::ecdh_p256,
    KeyType::ecdh_p384, KeyType::secret,  KeyType::counter};

std::string_view to_string(KeyType type);  // "ec-p256", ..., "aes-256", "hmac-sha256"
Result<KeyType> key_type_from_string(std::string_view text);

constexpr bool is_signing(KeyType type) {
  return type <= KeyType::ed25519;
}
constexpr bool is_agreement(KeyType type) {
  return type == KeyType::ecdh_p256 || type == KeyType::ecdh_p384;
}
constexpr bool has_public_half(KeyType type) {
  return is_signing(type) || is_agreement(type);
}
KeyType key_type_of(crypto::KeyAlg alg);
std::optional<crypto::KeyAlg> key_alg_of(KeyType type);     // nothing for types that do not sign
std::optional<crypto::KeyAlg> public_alg_of(KeyType type);  // of the public half, if it has one

inline constexpr std::size_t kMaxSecret = 128;  // bytes of a KeyType::secret

// Where the private half was made. Set by keystored, never by a caller (AN13874 2.3: attestation tells them
// apart).
enum class Origin : std::uint8_t {
  generated_inside,   // by the keystore; it never existed anywhere else
  trust_provisioned,  // put in by a uid that the configuration names as provisioner of the application
  imported,           // put in by somebody else: whoever had it before may have it still
};

std::string_view to_string(Origin origin);  // "generated inside", "trust-provisioned", "imported"

}  // namespace camvault::keystore

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
};

inline constexpr KeyType kAllKeyTypes[] = {KeyType::ec_p256,  KeyType::ec_p384,  KeyType::ec_p521,
                                           KeyType::rsa_2048, KeyType::rsa_3072, KeyType::rsa_4096,
                                           KeyType::ed25519,  KeyType::aes_256,  KeyType::hmac_sha256};

std::string_view to_string(KeyType type);  // "ec-p256", ..., "aes-256", "hmac-sha256"
Result<KeyType> key_type_from_string(std::string_view text);

constexpr bool is_signing(KeyType type) {
  return type != KeyType::aes_256 && type != KeyType::hmac_sha256;
}
KeyType key_type_of(crypto::KeyAlg alg);
std::optional<crypto::KeyAlg> key_alg_of(KeyType type);  // nothing for aes_256 and hmac_sha256

// Where the private half was made. Set by keystored, never by a caller (AN13874 2.3: attestation tells them
// apart).
enum class Origin : std::uint8_t {
  generated_inside,   // by the keystore; it never existed anywhere else
  trust_provisioned,  // put in by a uid that the configuration names as provisioner of the application
  imported,           // put in by somebody else: whoever had it before may have it still
};

std::string_view to_string(Origin origin);  // "generated inside", "trust-provisioned", "imported"

}  // namespace camvault::keystore

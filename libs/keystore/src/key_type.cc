#include "camvault/keystore/key_type.h"

#include <string>

namespace camvault::keystore {

std::string_view to_string(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
      return "ec-p256";
    case KeyType::ec_p384:
      return "ec-p384";
    case KeyType::ec_p521:
      return "ec-p521";
    case KeyType::rsa_2048:
      return "rsa-2048";
    case KeyType::rsa_3072:
      return "rsa-3072";
    case KeyType::rsa_4096:
      return "rsa-4096";
    case KeyType::ed25519:
      return "ed25519";
    case KeyType::aes_256:
      return "aes-256";
    case KeyType::hmac_sha256:
      return "hmac-sha256";
    case KeyType::ecdh_p256:
      return "ecdh-p256";
    case KeyType::ecdh_p384:
      return "ecdh-p384";
    case KeyType::secret:
      return "secret";
    case KeyType::counter:
      return "counter";
  }
  return "?";
}

Result<KeyType> key_type_from_string(std::string_view text) {
  for (const auto type : kAllKeyTypes) {
    if (to_string(type) == text) return type;
  }
  return fail(Errc::usage,
              "unknown key type; known are ec-p256, ec-p384, ec-p521, rsa-2048, rsa-3072, rsa-4096, "
              "ed25519, aes-256, hmac-sha256, ecdh-p256, ecdh-p384, secret and counter");
}

KeyType key_type_of(crypto::KeyAlg alg) {
  switch (alg) {
    case crypto::KeyAlg::ec_p256:
      return KeyType::ec_p256;
    case crypto::KeyAlg::ec_p384:
      return KeyType::ec_p384;
    case crypto::KeyAlg::ec_p521:
      return KeyType::ec_p521;
    case crypto::KeyAlg::rsa_2048:
      return KeyType::rsa_2048;
    case crypto::KeyAlg::rsa_3072:
      return KeyType::rsa_3072;
    case crypto::KeyAlg::rsa_4096:
      return KeyType::rsa_4096;
    case crypto::KeyAlg::ed25519:
      return KeyType::ed25519;
  }
  return KeyType::ed25519;
}

std::optional<crypto::KeyAlg> key_alg_of(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
      return crypto::KeyAlg::ec_p256;
    case KeyType::ec_p384:
      return crypto::KeyAlg::ec_p384;
    case KeyType::ec_p521:
      return crypto::KeyAlg::ec_p521;
    case KeyType::rsa_2048:
      return crypto::KeyAlg::rsa_2048;
    case KeyType::rsa_3072:
      return crypto::KeyAlg::rsa_3072;
    case KeyType::rsa_4096:
      return crypto::KeyAlg::rsa_4096;
    case KeyType::ed25519:
      return crypto::KeyAlg::ed25519;
    case KeyType::aes_256:
    case KeyType::hmac_sha256:
    case KeyType::ecdh_p256:
    case KeyType::ecdh_p384:
    case KeyType::secret:
    case KeyType::counter:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<crypto::KeyAlg> public_alg_of(KeyType type) {
  if (type == KeyType::ecdh_p256) return crypto::KeyAlg::ec_p256;
  if (type == KeyType::ecdh_p384) return crypto::KeyAlg::ec_p384;
  return key_alg_of(type);
}

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::generated_inside:
      return "generated inside";
    case Origin::trust_provisioned:
      return "trust-provisioned";
    case Origin::imported:
      return "imported";
  }
  return "?";
}

}  // namespace camvault::keystore

// Keys as the platform sees them: what they are, what they verify, and how one asks for a signature without
// ever holding the private half.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"
#include "camvault/crypto/hash.h"

namespace camvault::crypto {

enum class KeyAlg : std::uint8_t { ec_p256, ec_p384, ec_p521, rsa_2048, rsa_3072, rsa_4096, ed25519 };

std::string_view to_string(KeyAlg alg);  // "ec-p256", "rsa-2048", "ed25519", ...
Result<KeyAlg> key_alg_from_string(std::string_view text);
constexpr bool is_rsa(KeyAlg alg) {
  return alg == KeyAlg::rsa_2048 || alg == KeyAlg::rsa_3072 || alg == KeyAlg::rsa_4096;
}
constexpr bool is_ecdsa(KeyAlg alg) {
  return alg == KeyAlg::ec_p256 || alg == KeyAlg::ec_p384 || alg == KeyAlg::ec_p521;
}
// Largest signature in bytes: DER for ECDSA, the modulus for RSA, 64 for Ed25519.
std::size_t max_signature_size(KeyAlg alg);

enum class SignatureScheme : std::uint8_t {
  ecdsa,    // FIPS 186-5, DER encoded (RFC 3279 2.2.3), over a digest
  rsa_pss,  // RFC 8017 8.1, MGF1 with the same hash, salt as long as the digest; verification takes any salt
  rsa_pkcs1v15,  // RFC 8017 8.2, DigestInfo
  ed25519,       // RFC 8032, over the message itself
};
std::string_view to_string(SignatureScheme scheme);
// What an application signs with when it has no reason to choose: ecdsa, rsa_pss or ed25519.
SignatureScheme default_scheme(KeyAlg alg);

// An immutable public key; safe to use from many threads.
class PublicKey {
 public:
  virtual ~PublicKey() = default;
  virtual KeyAlg alg() const = 0;
  virtual Bytes spki_der() const = 0;  // SubjectPublicKeyInfo, RFC 5280 4.1
  // True if the signature is good. Never an error: a malformed signature is a bad one.
  virtual bool verify_digest(SignatureScheme scheme, HashAlg hash, const Digest& digest,
                             BytesView signature) const = 0;
  // For Ed25519, whose input is the message.
  virtual bool verify_message(BytesView message, BytesView signature) const = 0;
};

// A private key that lives elsewhere: a keystore, a token, or (tests, offline tools) this process.
class SigningKey {
 public:
  virtual ~SigningKey() = default;
  virtual KeyAlg alg() const = 0;
  virtual Bytes spki_der() const = 0;

  // Called exactly once per request, on any thread, possibly before sign_async returns.
  using Done = std::function<void(Result<Bytes> signature)>;

  // Asks for a signature and returns at once. Requests of one key complete in any order.
  virtual void sign_async(SignatureScheme scheme, HashAlg hash, const Digest& digest, Done done) = 0;

  // Waits for it. Ed25519 keys sign messages only.
  virtual Result<Bytes> sign(SignatureScheme scheme, HashAlg hash, const Digest& digest);
  virtual Result<Bytes> sign_message(BytesView message) = 0;  // Ed25519 only; others refuse
};

}  // namespace camvault::crypto

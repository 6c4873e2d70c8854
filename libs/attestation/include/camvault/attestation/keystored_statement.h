// What keystored states about one of its keys, signed with a key that signs nothing else (NA-2.3-1,
// NA-2.3-2). docs/formats/attestation.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "camvault/base/bytes.h"
#include "camvault/base/time.h"
#include "camvault/crypto/key.h"

namespace camvault::attestation {

// Where the private half was made; numbers as in keystored's registry.
enum class KeyOrigin : std::uint8_t { generated_inside = 1, trust_provisioned = 2, imported = 3 };
std::string_view to_string(KeyOrigin origin);  // "generated inside", "trust-provisioned", "imported"

inline constexpr std::size_t kMinNonce = 8;
inline constexpr std::size_t kMaxNonce = 64;

struct KeystoredStatement {
  crypto::Digest spki_sha256;  // of the key it is about: SHA-256 of its SubjectPublicKeyInfo
  KeyOrigin origin = KeyOrigin::imported;
  std::uint64_t purpose = 0;  // number of keystored's registry
  std::string backend;        // that holds the key: "software", ...; 1 to 32 bytes of [a-z0-9_]
  bool simulator = false;     // the backend only plays a module: it protects nothing
  Timestamp created;          // whole seconds, by the keystore's clock
  Bytes nonce;                // who asked chose it; kMinNonce to kMaxNonce bytes
  Timestamp stated;           // whole seconds, by the keystore's clock
};

// Deterministic CBOR that begins with its own name, so that it can be mistaken for nothing else that is
// signed.
Result<Bytes> encode_statement(const KeystoredStatement& statement);
Result<KeystoredStatement> decode_statement(BytesView bytes);

// The statement as it was signed, and by which key.
struct KeystoredEvidence {
  Bytes statement;
  crypto::SignatureScheme scheme = crypto::SignatureScheme::ecdsa;
  crypto::HashAlg hash = crypto::HashAlg::sha256;  // meaningless for ed25519
  Bytes signature;
  Bytes attester_spki;  // the attestation key's public half, DER
};
inline constexpr std::size_t kMaxEvidence = 8 * 1024;

Result<Bytes> encode_evidence(const KeystoredEvidence& evidence);
Result<KeystoredEvidence> decode_evidence(BytesView bytes);

}  // namespace camvault::attestation

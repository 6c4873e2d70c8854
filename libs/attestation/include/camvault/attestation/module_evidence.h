// What a module itself signs about one of its keys: TPM2_Certify of a TPM 2.0, the attested read of an SE05x.
// docs/formats/attestation.md describes every byte.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/attestation/keystored_statement.h"

namespace camvault::attestation {

// The registry of evidence types: what stands in a stream's attestation record as backend.
inline constexpr std::string_view kKeystored = "keystored";  // KeystoredEvidence
inline constexpr std::string_view kTpm2 = "tpm2";            // ModuleEvidence
inline constexpr std::string_view kSe05x = "se05x";          // ModuleEvidence

// Extended key usage of an attestation key's certificate (TCG Infrastructure, tcg-kp-AIKCertificate). Only
// such a certificate vouches for an attester: one key of a device must not pass for its module.
inline constexpr std::string_view kAttesterUsage = "2.23.133.8.3";

struct ModuleEvidence {
  std::string kind;          // kTpm2 or kSe05x
  Bytes attester_spki;       // of the module's attestation key
  std::vector<Bytes> chain;  // its certificate and those above it, DER; may be empty
  Bytes statement;           // tpm2: TPMS_ATTEST. se05x: the answer's fields before the signature
  Bytes signature;           // ECDSA, DER, with SHA-256
  Bytes context;             // tpm2: TPMT_PUBLIC of the key. se05x: the command that was answered
  unsigned generation = 0;   // se05x: of the applet, 3 or 7. tpm2: 2
};
inline constexpr std::size_t kMaxModuleEvidence = 24 * 1024;
inline constexpr std::size_t kMaxChain = 6;

Result<Bytes> encode_module_evidence(const ModuleEvidence& evidence);
// Errc::malformed for everything that encode_module_evidence does not write.
Result<ModuleEvidence> decode_module_evidence(BytesView bytes);

// What a statement says, once its signature was found good.
struct ModuleStatement {
  Bytes spki;                              // the key's public half
  KeyOrigin origin = KeyOrigin::imported;  // by the module's own record
  bool leaves = false;                     // the module would give the key away, or let it be exchanged
  Bytes nonce;                             // as the module signed it
};
// `alg`: the kind of key that it should be about. Errc::malformed if the statement is no statement about a
// key pair of that kind.
Result<ModuleStatement> read_module_statement(const ModuleEvidence& evidence, crypto::KeyAlg alg,
                                              const std::function<crypto::Digest(BytesView)>& sha256);
// The bytes that the signature covers.
Result<Bytes> signed_bytes(const ModuleEvidence& evidence,
                           const std::function<crypto::Digest(BytesView)>& sha256);
// What the module is given for a nonce of 8 to 64 bytes: a TPM the nonce, an SE05x 16 bytes of its SHA-256.
Bytes nonce_for(std::string_view kind, BytesView nonce,
                const std::function<crypto::Digest(BytesView)>& sha256);

}  // namespace camvault::attestation

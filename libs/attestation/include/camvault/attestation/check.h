// Is this evidence good, and is it about this key?
#pragma once

#include <optional>
#include <string>

#include "camvault/attestation/keystored_statement.h"
#include "camvault/crypto/engine.h"

namespace camvault::attestation {

// The registry of evidence types: what stands in a stream's attestation record as backend.
inline constexpr std::string_view kKeystored = "keystored";  // KeystoredEvidence
inline constexpr std::string_view kTpm2 = "tpm2";            // reserved: TPM2_Certify and EK chain
inline constexpr std::string_view kSe05x = "se05x";          // reserved: attested read and its certificate

enum class Standing : std::uint8_t {
  vouched,      // the evidence is good, and who attests is known to be of this device
  own_word,     // good in itself; nobody says that the attester is what it says
  invalid,      // of another key, changed, not of the nonce asked for
  unsupported,  // evidence of a type that this version cannot check
};
std::string_view to_string(Standing standing);

struct Check {
  std::string_view type;  // kKeystored, ...
  BytesView evidence;
  BytesView spki;              // of the key that it should be about
  std::optional<Bytes> nonce;  // that it must answer
  std::optional<crypto::Digest>
      attester;  // SHA-256 of the attester's SubjectPublicKeyInfo, from somebody trusted
};

struct Finding {
  Standing standing = Standing::invalid;
  std::string reason;  // one sentence for people
  std::optional<KeystoredStatement>
      statement;  // when it could be read; to be believed as far as the standing goes
};

Finding check(const crypto::Engine& engine, const Check& check);

}  // namespace camvault::attestation

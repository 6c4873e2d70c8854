// Messages that hold their own signature and who made it: CMS SignedData with content (RFC 5652), as `openssl
// cms -verify` reads it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "camvault/crypto/certificate.h"
#include "camvault/crypto/engine.h"
#include "camvault/crypto/key.h"

namespace camvault::crypto_openssl {

inline constexpr std::string_view kCmsData = "1.2.840.113549.1.7.1";  // id-data
inline constexpr std::size_t kMaxSignedData = 256 << 10;

struct SignedMessage {
  Bytes content;                           // as it was signed
  std::string content_type;                // dotted
  std::vector<crypto::Certificate> chain;  // the signer's first; the others as they came
  std::optional<Timestamp> signing_time;   // the signer's claim
};

// DER. `chain`: the key's certificate first, then what leads to its root. `at` is the signer's claim.
// Errc::unsupported for Ed25519, Errc::usage when the first certificate is not the key's.
Result<Bytes> sign_message(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                           BytesView content, std::string_view content_type, Timestamp at);

// Errc::malformed for what is no such message, Errc::limit above 256 KiB or 16 certificates,
// Errc::unsupported for other digests than SHA-2, Errc::invalid when the signature is not good. Says nothing
// about who the signer is: Engine::validate_path does.
Result<SignedMessage> read_signed_message(const crypto::Engine& engine, BytesView message);

}  // namespace camvault::crypto_openssl

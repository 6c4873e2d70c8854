// Signatures that lie beside what they sign: CMS SignedData without content (RFC 5652), as `openssl cms
// -verify` reads it.
#pragma once

#include <optional>
#include <vector>

#include "camvault/crypto/certificate.h"
#include "camvault/crypto/engine.h"
#include "camvault/crypto/key.h"

namespace camvault::crypto_openssl {

// DER. `chain`: the key's certificate first, then what leads to its root. `at` is the signer's claim.
// Errc::unsupported for Ed25519, Errc::usage when the first certificate is not the key's.
Result<Bytes> sign_detached(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                            BytesView content, Timestamp at);

struct DetachedSignature {
  std::vector<crypto::Certificate> chain;  // the signer's first; the others as they came
  std::optional<Timestamp> signing_time;   // the signer's claim
};

// Errc::malformed for what is no such signature (at most 256 KiB), Errc::invalid when it does not fit the
// content. Says nothing about who the signer is: Engine::validate_path does.
Result<DetachedSignature> verify_detached(const crypto::Engine& engine, BytesView signature,
                                          BytesView content);

// How signatures of such a key over such a hash are named in DER (RFC 5280 4.1.1.2); RSA keys sign with PSS.
struct SealAlgorithm {
  crypto::SignatureScheme scheme;
  crypto::HashAlg hash;
  Bytes identifier;
};
SealAlgorithm seal_algorithm(crypto::KeyAlg alg);
// The reverse. Errc::unsupported for anything that seal_algorithm() does not give.
Result<SealAlgorithm> seal_algorithm_of(BytesView identifier);

}  // namespace camvault::crypto_openssl

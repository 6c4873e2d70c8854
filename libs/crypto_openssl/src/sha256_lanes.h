// SHA-256 of several independent messages at a time. One message keeps a core's SHA unit waiting for itself:
// each round needs the one before. Two messages in turn fill the gaps.
#pragma once

#include <span>

#include "camvault/crypto/hash.h"

namespace camvault::crypto_openssl {

// The processor has the instructions (x86 SHA extensions). Elsewhere the batch is hashed one by one.
bool has_sha256_lanes();

// out[i] = SHA-256(messages[i]), FIPS 180-4. Call it only where has_sha256_lanes().
void sha256_lanes(std::span<const BytesView> messages, std::span<crypto::Digest> out);

}  // namespace camvault::crypto_openssl

// SHA-2 of several independent messages at a time. One message keeps a core waiting for itself: each round
// needs the one before. Messages side by side, each in a lane of its own, fill the gaps. Which instructions
// do that is chosen at run time; every way gives the same digests (FIPS 180-4).
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "camvault/crypto/hash.h"

namespace camvault::crypto_openssl {

enum class Lanes : std::uint8_t {
  none,     // one after the other, by OpenSSL: everywhere
  sha_x2,   // x86 SHA instructions, two messages in turn; SHA-256 only
  avx2,     // 8 messages (SHA-384, SHA-512: 4) in 256-bit registers
  avx512,   // 16 messages (8) in 512-bit registers; the last ones of a batch with SHA instructions if there
            // are any
  simd128,  // 4 messages (2) in the 128-bit registers of WebAssembly
};
std::string_view to_string(Lanes lanes);  // as in tests and benchmarks

// The processor and the system can do it, and there is a kernel for that algorithm.
bool supports(Lanes lanes, crypto::HashAlg alg);

// The fastest way for a batch of that many messages on this processor.
Lanes best_lanes(crypto::HashAlg alg, std::size_t messages);

// out[i] = digest of messages[i]; both of one size. Not for Lanes::none. Call it only where supports(lanes,
// alg). Allocates nothing. Messages of very different sizes are welcome: long ones begin first, and a lane
// that is done takes the next.
void sha2_lanes(Lanes lanes, crypto::HashAlg alg, std::span<const BytesView> messages,
                std::span<crypto::Digest> out);

// The same for messages that come one after the other.
std::unique_ptr<crypto::DigestLanes> stream_lanes(Lanes lanes, crypto::HashAlg alg);

}  // namespace camvault::crypto_openssl

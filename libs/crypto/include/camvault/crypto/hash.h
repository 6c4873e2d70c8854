// Message digests (FIPS 180-4). Digests are small values without heap memory.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "camvault/base/bytes.h"

namespace camvault::crypto {

enum class HashAlg : std::uint8_t { sha256, sha384, sha512 };

inline constexpr std::size_t kMaxDigestSize = 64;

constexpr std::size_t digest_size(HashAlg alg) {
  return alg == HashAlg::sha256 ? 32 : alg == HashAlg::sha384 ? 48 : 64;
}

std::string_view to_string(HashAlg alg);  // "SHA-256", ...

struct Digest {
  std::array<std::uint8_t, kMaxDigestSize> bytes{};
  std::uint8_t size = 0;

  BytesView view() const { return {bytes.data(), size}; }
  bool empty() const { return size == 0; }
  friend bool operator==(const Digest& a, const Digest& b) { return equal(a.view(), b.view()); }
};

// One message in pieces.
class Hasher {
 public:
  virtual ~Hasher() = default;
  virtual void update(BytesView piece) = 0;
  virtual Digest finish() = 0;  // and starts anew
};

// Independent messages that come one after the other and are hashed side by side, as far as the processor
// can. A message that is long does not hold up those behind it. Confined to one thread.
class DigestLanes {
 public:
  virtual ~DigestLanes() = default;
  virtual std::size_t room() const = 0;  // messages that may be given now
  virtual bool idle() const = 0;         // none is under way
  // Once `out` holds the digest, `left` is counted down by one (release). All three must live until then;
  // after that they are not touched any more. Destroying the lanes forgets what is under way.
  virtual void give(BytesView message, Digest& out, std::atomic<std::size_t>& left) = 0;
  // Hashes until one message more is done. Not when idle.
  virtual void advance() = 0;
};

}  // namespace camvault::crypto

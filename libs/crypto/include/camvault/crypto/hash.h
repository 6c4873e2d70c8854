// Message digests (FIPS 180-4). Digests are small values without heap memory.
#pragma once

#include <algorithm>
#include <array>
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

}  // namespace camvault::crypto

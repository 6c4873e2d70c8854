// ECDSA on P-256 for a key that has to verify again and again: multiples of the public point are computed
// once, after which a signature costs additions only (FIPS 186-5, 6.4.2). Nothing here is secret, and nothing
// here runs in constant time: never use it to sign.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "camvault/base/bytes.h"

namespace camvault::crypto_openssl {

using P256Number = std::array<std::uint8_t, 32>;  // big endian

// The affine points k * 64^i * P for k in 1 .. 32 and i in 0 .. 42: any multiple of P is a sum of 43 of them
// or of their negatives. 88 kB. Immutable: share it between threads.
class P256Table {
 public:
  // Null if (x, y) is not a point of the curve. Takes about 0.4 ms.
  static std::shared_ptr<const P256Table> of(const P256Number& x, const P256Number& y);

  // True only if (r, s) is this key's signature over the digest (of 32 bytes or more; the first 32 count).
  bool verifies(BytesView digest, const P256Number& r, const P256Number& s) const;

  struct Point;
  P256Table();
  ~P256Table();

 private:
  std::unique_ptr<Point[]> points_;
};

}  // namespace camvault::crypto_openssl

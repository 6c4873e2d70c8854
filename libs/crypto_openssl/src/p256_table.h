// ECDSA on P-256 for a key that has to verify again and again: multiples of the public point are computed
// once, after which a signature costs additions only (FIPS 186-5, 6.4.2). Nothing here is secret, and nothing
// here runs in constant time: never use it to sign.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "camvault/base/bytes.h"

namespace camvault::crypto_openssl {

namespace p256 {
struct Affine;
}

using P256Number = std::array<std::uint8_t, 32>;  // big endian

// How points are added; the results are the same. `by_eight` needs AVX-512 F and IFMA.
enum class P256Additions : std::uint8_t { one_by_one, by_eight };
// What this processor does fastest.
P256Additions best_p256_additions();

// The affine points k * 64^i * P for k in 1 .. 32 and i in 0 .. 42: any multiple of P is a sum of 43 of them
// or of their negatives. 88 kB. Immutable: share it between threads.
class P256Table {
 public:
  // Null if (x, y) is not a point of the curve. Takes about 0.4 ms.
  static std::shared_ptr<const P256Table> of(const P256Number& x, const P256Number& y,
                                             P256Additions additions = best_p256_additions());

  // True only if (r, s) is this key's signature over the digest (of 32 bytes or more; the first 32 count).
  bool verifies(BytesView digest, const P256Number& r, const P256Number& s) const;

  explicit P256Table(P256Additions form);  // for of()
  ~P256Table();

 private:
  P256Additions form_;
  std::unique_ptr<p256::Affine[]> points_;
};

}  // namespace camvault::crypto_openssl

// Points of P-256 as its tables hold them, and many of them added at once.
#pragma once

#include <span>

#include "p256_numbers.h"

namespace camvault::crypto_openssl::p256 {

// One line of the cache.
struct alignas(64) Affine {
  Number x;
  Number y;
};

// x = X / Z^2, y = Y / Z^3; Z = 0: the point at infinity.
struct Jacobian {
  Number x{};
  Number y{};
  Number z{};
};

struct Summand {
  const Affine* point = nullptr;
  bool negative = false;
};

#if defined(__x86_64__)
// The sum, eight additions at a time (AVX-512 F and IFMA: call it only where the processor has them). The
// coordinates of points stand for x * 2^260 modulo the field's size, not 2^256; those of `out` for the usual.
// False if it cannot say, and somebody else has to add them: fewer than eight points, or two that were equal
// or opposite met on the way.
bool sum_by_eight(std::span<const Summand> points, Jacobian& out);
#endif

}  // namespace camvault::crypto_openssl::p256

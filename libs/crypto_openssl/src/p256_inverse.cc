// Inverses by division steps: D. J. Bernstein, B.-Y. Yang, "Fast constant-time gcd computation and modular
// inversion", TCHES 2019(3). Here in variable time, 62 steps at once on the lowest words alone.
#include <bit>

#include "p256_numbers.h"

namespace camvault::crypto_openssl::p256 {

namespace {

__extension__ using SignedWide = __int128;

constexpr int kSteps = 62;
constexpr std::uint64_t kMask = (std::uint64_t{1} << kSteps) - 1;
// For numbers below 2^256 at most 741 steps (their theorem 11.2).
constexpr int kMostRounds = 741 / kSteps + 1;

// Digits of 62 bits, the least significant first; the last one has the sign.
using Digits = std::array<std::int64_t, 5>;

Digits digits_of(const Number& a) {
  const auto digit = [](std::uint64_t value) { return static_cast<std::int64_t>(value & kMask); };
  return {digit(a[0]), digit(a[0] >> 62 | a[1] << 2), digit(a[1] >> 60 | a[2] << 4),
          digit(a[2] >> 58 | a[3] << 6), static_cast<std::int64_t>(a[3] >> 56)};
}

// Of digits that stand for a number of 256 bits.
Number number_of(const Digits& a) {
  const auto word = [&](std::size_t i) { return static_cast<std::uint64_t>(a[i]); };
  return {word(0) | word(1) << 62, word(1) >> 2 | word(2) << 60, word(2) >> 4 | word(3) << 58,
          word(3) >> 6 | word(4) << 56};
}

bool is_zero(const Digits& a) {
  return (a[0] | a[1] | a[2] | a[3] | a[4]) == 0;
}

// What 62 steps make of two numbers: (u f + v g, q f + r g) / 2^62.
struct Steps {
  std::int64_t u = 1, v = 0, q = 0, r = 1;
};

Steps steps_of(std::int64_t& delta, std::uint64_t f, std::uint64_t g) {
  std::uint64_t u = 1, v = 0, q = 0, r = 1;
  for (int left = kSteps;;) {
    // As long as g is even a step only halves it. The bit above the last step ends the count.
    const int zeros = std::countr_zero(g | ~std::uint64_t{0} << left);
    g >>= zeros;
    u <<= zeros;
    v <<= zeros;
    delta += zeros;
    left -= zeros;
    if (left == 0) break;
    if (delta > 0) {
      delta = -delta;
      const auto old_f = f, old_u = u, old_v = v;
      f = g, u = q, v = r;
      g = 0 - old_f, q = 0 - old_u, r = 0 - old_v;
    }
    // For the next 1 - delta steps f stays, and all they do is add multiples of it to g: at most six of them
    // in one go. f (2 - f^2) is the inverse of f modulo 2^6.
    const auto most = static_cast<int>(1 - delta < left ? 1 - delta : left);
    const auto mask = (std::uint64_t{1} << (most < 6 ? most : 6)) - 1;
    const auto multiple = g * f * (f * f - 2) & mask;
    g += multiple * f;
    q += multiple * u;
    r += multiple * v;
  }
  return {static_cast<std::int64_t>(u), static_cast<std::int64_t>(v), static_cast<std::int64_t>(q),
          static_cast<std::int64_t>(r)};
}

// (x a + y b + z m) / 2^62, which is a whole number.
Digits combined(std::int64_t x, const Digits& a, std::int64_t y, const Digits& b, std::int64_t z,
                const Digits& m) {
  const auto at = [&](std::size_t i) {
    return SignedWide{x} * a[i] + SignedWide{y} * b[i] + SignedWide{z} * m[i];
  };
  Digits out;
  auto carry = at(0) >> kSteps;
  for (std::size_t i = 1; i < 5; ++i) {
    carry += at(i);
    out[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(carry) & kMask);
    carry >>= kSteps;
  }
  out[4] = static_cast<std::int64_t>(carry);
  return out;
}

// The z, as near to zero as possible, for which x a + y b + z m is a multiple of 2^62.
std::int64_t to_vanish(std::int64_t x, std::int64_t a, std::int64_t y, std::int64_t b,
                       std::uint64_t m_inverse) {
  const auto low = static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(a) +
                   static_cast<std::uint64_t>(y) * static_cast<std::uint64_t>(b);
  return static_cast<std::int64_t>((0 - low * m_inverse) << 2) >> 2;
}

}  // namespace

Number inverse(const Number& a, const Number& modulus) {
  const auto m = digits_of(modulus);
  std::uint64_t m_inverse = 1;
  for (int i = 0; i < 6; ++i) m_inverse *= 2 - modulus[0] * m_inverse;
  const Digits none{};
  auto f = m;
  auto g = digits_of(a);
  // f is d times a and g is e times a, modulo m. Each round brings d and e at most half of m farther from
  // zero: 13 rounds leave them far below the 2^309 that they have room for.
  Digits d{};
  Digits e{1};
  std::int64_t delta = 1;
  for (int round = 0; round < kMostRounds && !is_zero(g); ++round) {
    const auto by = steps_of(delta, static_cast<std::uint64_t>(f[0]) | static_cast<std::uint64_t>(f[1]) << 62,
                             static_cast<std::uint64_t>(g[0]) | static_cast<std::uint64_t>(g[1]) << 62);
    const auto new_f = combined(by.u, f, by.v, g, 0, none);
    g = combined(by.q, f, by.r, g, 0, none);
    f = new_f;
    const auto new_d = combined(by.u, d, by.v, e, to_vanish(by.u, d[0], by.v, e[0], m_inverse), m);
    e = combined(by.q, d, by.r, e, to_vanish(by.q, d[0], by.r, e[0], m_inverse), m);
    d = new_d;
  }
  // f is 1 or -1 now. What d is away from [0, m) is a few times m.
  if (f[4] < 0) {
    std::int64_t carry = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      carry -= d[i];
      d[i] = i < 4 ? static_cast<std::int64_t>(static_cast<std::uint64_t>(carry) & kMask) : carry;
      carry >>= kSteps;
    }
  }
  const auto add_m = [&](int sign) {
    Digits out;
    std::int64_t carry = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      carry += d[i] + sign * m[i];
      out[i] = i < 4 ? static_cast<std::int64_t>(static_cast<std::uint64_t>(carry) & kMask) : carry;
      carry >>= kSteps;
    }
    return out;
  };
  while (d[4] < 0) d = add_m(1);
  for (auto less = add_m(-1); less[4] >= 0; less = add_m(-1)) d = less;
  return number_of(d);
}

}  // namespace camvault::crypto_openssl::p256

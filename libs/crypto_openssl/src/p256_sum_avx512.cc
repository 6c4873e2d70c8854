// Sums of points, eight lanes of AVX-512 with an addition each. A number is five digits of 52 bits (as IFMA
// multiplies them), a register a digit; Montgomery's factor is 2^260.
#include "p256_points.h"

#if defined(__x86_64__)
// The intrinsics of GCC 12 leave operands uninitialised on purpose (GCC bug 105593).
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#define CAM_LANES_TARGET __attribute__((target("avx512f,avx512ifma")))
#define CAM_LANES __attribute__((target("avx512f,avx512ifma"), always_inline)) inline

namespace camvault::crypto_openssl::p256 {

namespace {

using V = __m512i;
constexpr std::size_t kLanes = 8;
constexpr int kBits = 52;
constexpr std::uint64_t kDigit = (std::uint64_t{1} << kBits) - 1;
// The field's size, p = 2^256 - 2^224 + 2^192 + 2^96 - 1, in digits. The lowest one being -1 modulo 2^52, a
// number plus its own lowest digit times p is a multiple of 2^52.
constexpr std::array<std::uint64_t, 5> kDigitsOfP = {kDigit, kDigit >> 8, 0, std::uint64_t{1} << 36,
                                                     std::uint64_t{0xffffffff} << 16};

// All digits below 2^52. "Small": the number is below 2^256 + 2^230, a bit more than p.
struct Lanes {
  V d[5];
};

CAM_LANES V set(std::uint64_t value) {
  return _mm512_set1_epi64(static_cast<long long>(value));
}

// Digits that are too large, or negative, pass on what they have too much.
CAM_LANES void carry(V* d) {
  const V mask = set(kDigit);
  for (int i = 0; i < 4; ++i) {
    d[i + 1] = _mm512_add_epi64(d[i + 1], _mm512_srai_epi64(d[i], kBits));
    d[i] = _mm512_and_si512(d[i], mask);
  }
}

// a * b / 2^260, below p and a * b / 2^260 together: small for small a and b, once what is above 2^256 is
// folded back; below 1.1 p without.
CAM_LANES Lanes times(const Lanes& a, const Lanes& b) {
  V t[10];
  for (auto& digit : t) digit = _mm512_setzero_si512();
  for (int i = 0; i < 5; ++i) {
    for (int k = 0; k < 5; ++k) {
      t[i + k] = _mm512_madd52lo_epu64(t[i + k], a.d[k], b.d[i]);
      t[i + k + 1] = _mm512_madd52hi_epu64(t[i + k + 1], a.d[k], b.d[i]);
    }
  }
  const V p1 = set(kDigitsOfP[1] + 1);  // 2^44: the carry of the digit below it included
  const V p3 = set(kDigitsOfP[3]);
  const V p4 = set(kDigitsOfP[4]);
  const V mask = set(kDigit);
  for (int i = 0; i < 5; ++i) {
    const V multiple = _mm512_and_si512(t[i], mask);
    t[i + 1] = _mm512_add_epi64(t[i + 1], _mm512_srli_epi64(t[i], kBits));
    t[i + 1] = _mm512_madd52lo_epu64(t[i + 1], multiple, p1);
    t[i + 2] = _mm512_madd52hi_epu64(t[i + 2], multiple, p1);
    t[i + 3] = _mm512_madd52lo_epu64(t[i + 3], multiple, p3);
    t[i + 4] = _mm512_madd52hi_epu64(t[i + 4], multiple, p3);
    t[i + 4] = _mm512_madd52lo_epu64(t[i + 4], multiple, p4);
    t[i + 5] = _mm512_madd52hi_epu64(t[i + 5], multiple, p4);
  }
  Lanes out;
  for (int i = 0; i < 5; ++i) out.d[i] = t[i + 5];
  carry(out.d);
  return out;
}

// 8 p: more than what is taken away from any number here.
CAM_LANES V eight_p(int digit) {
  return set(kDigitsOfP[static_cast<std::size_t>(digit)] << 3);
}

// Any sum of a few numbers that is above 2^256 and below 2^260 becomes small. 2^256 is p + 2^224 - 2^192 -
// 2^96 + 1.
CAM_LANES Lanes folded(V* d) {
  const V over = _mm512_srai_epi64(d[4], 48);
  d[4] = _mm512_and_si512(d[4], set((std::uint64_t{1} << 48) - 1));
  d[0] = _mm512_add_epi64(d[0], over);
  d[1] = _mm512_sub_epi64(d[1], _mm512_slli_epi64(over, 44));
  d[3] = _mm512_sub_epi64(d[3], _mm512_slli_epi64(over, 36));
  d[4] = _mm512_add_epi64(d[4], _mm512_slli_epi64(over, 16));
  carry(d);
  Lanes out;
  for (int i = 0; i < 5; ++i) out.d[i] = d[i];
  return out;
}

CAM_LANES Lanes minus(const Lanes& a, const Lanes& b) {
  V d[5];
  for (int i = 0; i < 5; ++i) d[i] = _mm512_add_epi64(_mm512_sub_epi64(a.d[i], b.d[i]), eight_p(i));
  return folded(d);
}

// a - b - 2 c
CAM_LANES Lanes minus(const Lanes& a, const Lanes& b, const Lanes& c) {
  V d[5];
  for (int i = 0; i < 5; ++i) {
    const V taken = _mm512_add_epi64(b.d[i], _mm512_add_epi64(c.d[i], c.d[i]));
    d[i] = _mm512_add_epi64(_mm512_sub_epi64(a.d[i], taken), eight_p(i));
  }
  return folded(d);
}

CAM_LANES Lanes negative_where(__mmask8 where, Lanes a) {
  V d[5];
  for (int i = 0; i < 5; ++i)
    d[i] = _mm512_add_epi64(_mm512_mask_sub_epi64(a.d[i], where, _mm512_setzero_si512(), a.d[i]), eight_p(i));
  return folded(d);
}

CAM_LANES Lanes choose(__mmask8 first, const Lanes& a, const Lanes& b) {
  Lanes out;
  for (int i = 0; i < 5; ++i) out.d[i] = _mm512_mask_mov_epi64(b.d[i], first, a.d[i]);
  return out;
}

struct Points {
  Lanes x, y, z;
};

// Eight rows of eight words: words of one row become one word of all.
CAM_LANES void turn(V* r) {
  V pair[8];
  for (int i = 0; i < 8; i += 2) {
    pair[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
    pair[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
  }
  V half[8];
  for (int i = 0; i < 2; ++i) {
    half[i] = _mm512_shuffle_i64x2(pair[i], pair[i + 2], 0x88);
    half[i + 2] = _mm512_shuffle_i64x2(pair[i], pair[i + 2], 0xdd);
    half[i + 4] = _mm512_shuffle_i64x2(pair[i + 4], pair[i + 6], 0x88);
    half[i + 6] = _mm512_shuffle_i64x2(pair[i + 4], pair[i + 6], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i64x2(half[i], half[i + 4], 0x88);
    r[i + 4] = _mm512_shuffle_i64x2(half[i], half[i + 4], 0xdd);
  }
}

template <int right>
CAM_LANES V digit_of(V low, V high) {
  return _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(low, right), _mm512_slli_epi64(high, 64 - right)),
                          set(kDigit));
}

CAM_LANES Lanes digits_of(const V* words) {
  return {{_mm512_and_si512(words[0], set(kDigit)), digit_of<52>(words[0], words[1]),
           digit_of<40>(words[1], words[2]), digit_of<28>(words[2], words[3]),
           _mm512_srli_epi64(words[3], 16)}};
}

CAM_LANES void load(const Summand* points, Lanes& x, Lanes& y) {
  V rows[kLanes];
  __mmask8 negative = 0;
  for (std::size_t i = 0; i < kLanes; ++i) {
    rows[i] = _mm512_load_si512(points[i].point);
    negative = static_cast<__mmask8>(negative | static_cast<unsigned>(points[i].negative) << i);
  }
  turn(rows);
  x = digits_of(rows);
  y = negative_where(negative, digits_of(rows + 4));
}

// The sum of a and a point whose z is one. Equal or opposite ones, and infinity, give a z of zero.
CAM_LANES Points sum(const Points& a, const Lanes& x, const Lanes& y) {
  const Lanes z2 = times(a.z, a.z);
  const Lanes h = minus(times(x, z2), a.x);
  const Lanes r = minus(times(y, times(z2, a.z)), a.y);
  const Lanes h2 = times(h, h);
  const Lanes h3 = times(h2, h);
  const Lanes v = times(a.x, h2);
  Points out;
  out.z = times(a.z, h);
  out.x = minus(times(r, r), h3, v);
  out.y = minus(times(r, minus(v, out.x)), times(a.y, h3));
  return out;
}

CAM_LANES Points sum(const Points& a, const Points& b) {
  const Lanes a2 = times(a.z, a.z);
  const Lanes b2 = times(b.z, b.z);
  const Lanes u = times(a.x, b2);
  const Lanes s = times(a.y, times(b2, b.z));
  const Lanes h = minus(times(b.x, a2), u);
  const Lanes r = minus(times(b.y, times(a2, a.z)), s);
  const Lanes h2 = times(h, h);
  const Lanes h3 = times(h2, h);
  const Lanes v = times(u, h2);
  Points out;
  out.z = times(times(a.z, b.z), h);
  out.x = minus(times(r, r), h3, v);
  out.y = minus(times(r, minus(v, out.x)), times(s, h3));
  return out;
}

template <int parts>
CAM_LANES Lanes moved(const Lanes& a) {
  Lanes out;
  for (int i = 0; i < 5; ++i) {
    if constexpr (parts == 0) {
      out.d[i] = _mm512_permutex_epi64(a.d[i], 0xb1);  // the neighbour
    } else {
      out.d[i] = _mm512_shuffle_i64x2(a.d[i], a.d[i], parts);
    }
  }
  return out;
}

template <int parts>
CAM_LANES void add_moved(Points& a) {
  a = sum(a, Points{moved<parts>(a.x), moved<parts>(a.y), moved<parts>(a.z)});
}

// The first lane's number, modulo p, with the usual factor.
CAM_LANES Number first(const Lanes& a) {
  std::uint64_t d[5];
  for (int i = 0; i < 5; ++i) {
    d[i] = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(a.d[i])));
  }
  Number out = {d[0] | d[1] << 52, d[1] >> 12 | d[2] << 40, d[2] >> 24 | d[3] << 28, d[3] >> 36 | d[4] << 16};
  Number less_p{};
  const auto borrow = subtract(out, kP, less_p);
  if (d[4] >> 48 != 0 || borrow == 0) out = less_p;  // it is below 2 p
  constexpr Number kSixteenth = [] {                 // 2^256 / 16
    return Number{0, 0, 0, std::uint64_t{1} << 60};
  }();
  return Field::times(out, kSixteenth);
}

}  // namespace

CAM_LANES_TARGET bool sum_by_eight(std::span<const Summand> points, Jacobian& out) {
  if (points.size() < kLanes) return false;
  // 2^260 modulo p: 16 times 2^224 - 2^192 - 2^96 + 1.
  constexpr Number kOne260 = [] {
    Number one = Field::kOne;
    for (int i = 0; i < 4; ++i) one = Field::plus(one, one);
    return one;
  }();
  V one[4];
  for (std::size_t i = 0; i < 4; ++i) one[i] = set(kOne260[i]);
  Points total;
  load(points.data(), total.x, total.y);
  total.z = digits_of(one);
  std::size_t at = kLanes;
  Lanes x;
  Lanes y;
  for (; at + kLanes <= points.size(); at += kLanes) {
    load(points.data() + at, x, y);
    total = sum(total, x, y);
  }
  if (at < points.size()) {
    Summand rest[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) rest[i] = at + i < points.size() ? points[at + i] : points[0];
    load(rest, x, y);
    const auto taken = static_cast<__mmask8>((1u << (points.size() - at)) - 1);
    const Points more = sum(total, x, y);
    total = {choose(taken, more.x, total.x), choose(taken, more.y, total.y), choose(taken, more.z, total.z)};
  }
  add_moved<0x4e>(total);  // halves of four lanes
  add_moved<0xb1>(total);  // of two
  add_moved<0>(total);
  out = {first(total.x), first(total.y), first(total.z)};
  return !is_zero(out.z);
}

}  // namespace camvault::crypto_openssl::p256
#endif

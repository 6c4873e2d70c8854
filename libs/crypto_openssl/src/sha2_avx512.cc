// Sixteen SHA-256 or eight SHA-512 messages in 512-bit registers (AVX-512 F and BW).
#include "sha2_kernels.h"

#if defined(__x86_64__)
// The intrinsics of GCC 12 leave operands uninitialised on purpose (GCC bug 105593).
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#define CAM_LANES_TARGET __attribute__((target("avx512f,avx512bw")))
#define CAM_LANES __attribute__((target("avx512f,avx512bw"), always_inline)) inline
#define CAM_LANES_KEEP(vector) asm("" : "+v"(vector))

#include "sha2_rounds.inc"

namespace camvault::crypto_openssl {

namespace {

struct Common {
  using V = __m512i;
  CAM_LANES static V load(const void* from) { return _mm512_load_si512(from); }
  CAM_LANES static void store(void* to, V x) { _mm512_store_si512(to, x); }
  CAM_LANES static V xor3(V a, V b, V c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
  CAM_LANES static V ch(V e, V f, V g) { return _mm512_ternarylogic_epi32(e, f, g, 0xca); }
  CAM_LANES static V maj(V a, V b, V c) { return _mm512_ternarylogic_epi32(a, b, c, 0xe8); }

  // Four rows of four 128-bit parts, turned.
  CAM_LANES static void turn_parts(V& a, V& b, V& c, V& d) {
    const V ab_low = _mm512_shuffle_i32x4(a, b, 0x44);
    const V ab_high = _mm512_shuffle_i32x4(a, b, 0xee);
    const V cd_low = _mm512_shuffle_i32x4(c, d, 0x44);
    const V cd_high = _mm512_shuffle_i32x4(c, d, 0xee);
    a = _mm512_shuffle_i32x4(ab_low, cd_low, 0x88);
    b = _mm512_shuffle_i32x4(ab_low, cd_low, 0xdd);
    c = _mm512_shuffle_i32x4(ab_high, cd_high, 0x88);
    d = _mm512_shuffle_i32x4(ab_high, cd_high, 0xdd);
  }
};

struct Words32 : Common {
  using Word = std::uint32_t;
  static constexpr int kLanes = 16;
  CAM_LANES static V add(V a, V b) { return _mm512_add_epi32(a, b); }
  template <int n>
  CAM_LANES static V ror(V x) {
    return _mm512_ror_epi32(x, n);
  }
  template <int n>
  CAM_LANES static V shr(V x) {
    return _mm512_srli_epi32(x, n);
  }
  CAM_LANES static V set(Word x) { return _mm512_set1_epi32(static_cast<int>(x)); }
  CAM_LANES static V big_endian(const std::uint8_t* bytes) {
    const V order = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
    return _mm512_shuffle_epi8(_mm512_loadu_si512(bytes), order);
  }
  // Rows of one message become rows of one word.
  CAM_LANES static void transpose(V* r) {
#pragma GCC unroll 4
    for (int g = 0; g < 16; g += 4) {
      const V a = _mm512_unpacklo_epi32(r[g], r[g + 1]);
      const V b = _mm512_unpackhi_epi32(r[g], r[g + 1]);
      const V c = _mm512_unpacklo_epi32(r[g + 2], r[g + 3]);
      const V d = _mm512_unpackhi_epi32(r[g + 2], r[g + 3]);
      r[g] = _mm512_unpacklo_epi64(a, c);
      r[g + 1] = _mm512_unpackhi_epi64(a, c);
      r[g + 2] = _mm512_unpacklo_epi64(b, d);
      r[g + 3] = _mm512_unpackhi_epi64(b, d);
    }
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) turn_parts(r[c], r[c + 4], r[c + 8], r[c + 12]);
  }
};

struct Words64 : Common {
  using Word = std::uint64_t;
  static constexpr int kLanes = 8;
  CAM_LANES static V add(V a, V b) { return _mm512_add_epi64(a, b); }
  template <int n>
  CAM_LANES static V ror(V x) {
    return _mm512_ror_epi64(x, n);
  }
  template <int n>
  CAM_LANES static V shr(V x) {
    return _mm512_srli_epi64(x, n);
  }
  CAM_LANES static V set(Word x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
  CAM_LANES static V big_endian(const std::uint8_t* bytes) {
    const V order = _mm512_broadcast_i32x4(_mm_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607));
    return _mm512_shuffle_epi8(_mm512_loadu_si512(bytes), order);
  }
  CAM_LANES static void transpose(V* r) {
#pragma GCC unroll 4
    for (int g = 0; g < 8; g += 2) {
      const V a = r[g];
      r[g] = _mm512_unpacklo_epi64(a, r[g + 1]);
      r[g + 1] = _mm512_unpackhi_epi64(a, r[g + 1]);
    }
    turn_parts(r[0], r[2], r[4], r[6]);
    turn_parts(r[1], r[3], r[5], r[7]);
  }
};

}  // namespace

void sha256_x16_avx512(std::uint32_t* state, const std::uint8_t* const* next, std::size_t blocks) {
  compress<Words32>(state, next, blocks);
}
void sha512_x8_avx512(std::uint64_t* state, const std::uint8_t* const* next, std::size_t blocks) {
  compress<Words64>(state, next, blocks);
}

}  // namespace camvault::crypto_openssl
#endif

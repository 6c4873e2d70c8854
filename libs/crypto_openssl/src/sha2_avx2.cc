// Eight SHA-256 or four SHA-512 messages in 256-bit registers (AVX2).
#include "sha2_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CAM_LANES_TARGET __attribute__((target("avx2")))
#define CAM_LANES __attribute__((target("avx2"), always_inline)) inline
#define CAM_LANES_KEEP(vector) asm("" : "+x"(vector))

#include "sha2_rounds.inc"

namespace camvault::crypto_openssl {

namespace {

struct Common {
  using V = __m256i;
  CAM_LANES static V load(const void* from) { return _mm256_load_si256(static_cast<const V*>(from)); }
  CAM_LANES static void store(void* to, V x) { _mm256_store_si256(static_cast<V*>(to), x); }
  CAM_LANES static V xor3(V a, V b, V c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
  CAM_LANES static V ch(V e, V f, V g) {
    return _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
  }
  CAM_LANES static V maj(V a, V b, V c) {
    return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
  }
  CAM_LANES static V bytes_in_order(const std::uint8_t* bytes, __m128i order) {
    return _mm256_shuffle_epi8(_mm256_loadu_si256(reinterpret_cast<const V*>(bytes)),
                               _mm256_broadcastsi128_si256(order));
  }
  CAM_LANES static void turn_halves(V& a, V& b) {
    const V low = _mm256_permute2x128_si256(a, b, 0x20);
    b = _mm256_permute2x128_si256(a, b, 0x31);
    a = low;
  }
};

struct Words32 : Common {
  using Word = std::uint32_t;
  static constexpr int kLanes = 8;
  CAM_LANES static V add(V a, V b) { return _mm256_add_epi32(a, b); }
  template <int n>
  CAM_LANES static V ror(V x) {
    return _mm256_or_si256(_mm256_srli_epi32(x, n), _mm256_slli_epi32(x, 32 - n));
  }
  template <int n>
  CAM_LANES static V shr(V x) {
    return _mm256_srli_epi32(x, n);
  }
  CAM_LANES static V set(Word x) { return _mm256_set1_epi32(static_cast<int>(x)); }
  CAM_LANES static V big_endian(const std::uint8_t* bytes) {
    return bytes_in_order(bytes, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
  }
  CAM_LANES static void transpose(V* r) {
#pragma GCC unroll 2
    for (int g = 0; g < 8; g += 4) {
      const V a = _mm256_unpacklo_epi32(r[g], r[g + 1]);
      const V b = _mm256_unpackhi_epi32(r[g], r[g + 1]);
      const V c = _mm256_unpacklo_epi32(r[g + 2], r[g + 3]);
      const V d = _mm256_unpackhi_epi32(r[g + 2], r[g + 3]);
      r[g] = _mm256_unpacklo_epi64(a, c);
      r[g + 1] = _mm256_unpackhi_epi64(a, c);
      r[g + 2] = _mm256_unpacklo_epi64(b, d);
      r[g + 3] = _mm256_unpackhi_epi64(b, d);
    }
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) turn_halves(r[c], r[c + 4]);
  }
};

struct Words64 : Common {
  using Word = std::uint64_t;
  static constexpr int kLanes = 4;
  CAM_LANES static V add(V a, V b) { return _mm256_add_epi64(a, b); }
  template <int n>
  CAM_LANES static V ror(V x) {
    return _mm256_or_si256(_mm256_srli_epi64(x, n), _mm256_slli_epi64(x, 64 - n));
  }
  template <int n>
  CAM_LANES static V shr(V x) {
    return _mm256_srli_epi64(x, n);
  }
  CAM_LANES static V set(Word x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
  CAM_LANES static V big_endian(const std::uint8_t* bytes) {
    return bytes_in_order(bytes, _mm_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607));
  }
  CAM_LANES static void transpose(V* r) {
#pragma GCC unroll 2
    for (int g = 0; g < 4; g += 2) {
      const V a = r[g];
      r[g] = _mm256_unpacklo_epi64(a, r[g + 1]);
      r[g + 1] = _mm256_unpackhi_epi64(a, r[g + 1]);
    }
    turn_halves(r[0], r[2]);
    turn_halves(r[1], r[3]);
  }
};

}  // namespace

void sha256_x8_avx2(std::uint32_t* state, const std::uint8_t* const* next, std::size_t blocks) {
  compress<Words32>(state, next, blocks);
}
void sha512_x4_avx2(std::uint64_t* state, const std::uint8_t* const* next, std::size_t blocks) {
  compress<Words64>(state, next, blocks);
}

}  // namespace camvault::crypto_openssl
#endif

// Four SHA-256 or two SHA-512 messages in the 128-bit registers of WebAssembly.
#include "sha2_kernels.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>

#define CAM_LANES_TARGET
#define CAM_LANES __attribute__((always_inline)) inline
#define CAM_LANES_KEEP(vector) static_cast<void>(vector)

#include "sha2_rounds.inc"

namespace camvault::crypto_openssl {

namespace {

struct Common {
  using V = v128_t;
  CAM_LANES static V load(const void* from) { return wasm_v128_load(from); }
  CAM_LANES static void store(void* to, V x) { wasm_v128_store(to, x); }
  CAM_LANES static V xor3(V a, V b, V c) { return wasm_v128_xor(wasm_v128_xor(a, b), c); }
  CAM_LANES static V ch(V e, V f, V g) { return wasm_v128_xor(g, wasm_v128_and(e, wasm_v128_xor(f, g))); }
  CAM_LANES static V maj(V a, V b, V c) {
    return wasm_v128_or(wasm_v128_and(a, b), wasm_v128_and(c, wasm_v128_or(a, b)));
  }
};

struct Words32 : Common {
  using Word = std::uint32_t;
  static constexpr int kLanes = 4;
  CAM_LANES static V add(V a, V b) { return wasm_i32x4_add(a, b); }
  template <int n>
  CAM_LANES static V ror(V x) {
    return wasm_v128_or(wasm_u32x4_shr(x, n), wasm_i32x4_shl(x, 32 - n));
  }
  template <int n>
  CAM_LANES static V shr(V x) {
    return wasm_u32x4_shr(x, n);
  }
  CAM_LANES static V set(Word x) { return wasm_i32x4_splat(static_cast<std::int32_t>(x)); }
  CAM_LANES static V big_endian(const std::uint8_t* bytes) {
    const V words = wasm_v128_load(bytes);
    return wasm_i8x16_shuffle(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  }
  CAM_LANES static void transpose(V* r) {
    const V a = wasm_i32x4_shuffle(r[0], r[1], 0, 4, 1, 5);
    const V b = wasm_i32x4_shuffle(r[0], r[1], 2, 6, 3, 7);
    const V c = wasm_i32x4_shuffle(r[2], r[3], 0, 4, 1, 5);
    const V d = wasm_i32x4_shuffle(r[2], r[3], 2, 6, 3, 7);
    r[0] = wasm_i64x2_shuffle(a, c, 0, 2);
    r[1] = wasm_i64x2_shuffle(a, c, 1, 3);
    r[2] = wasm_i64x2_shuffle(b, d, 0, 2);
    r[3] = wasm_i64x2_shuffle(b, d, 1, 3);
  }
};

struct Words64 : Common {
  using Word = std::uint64_t;
  static constexpr int kLanes = 2;
  CAM_LANES static V add(V a, V b) { return wasm_i64x2_add(a, b); }
  template <int n>
  CAM_LANES static V ror(V x) {
    return wasm_v128_or(wasm_u64x2_shr(x, n), wasm_i64x2_shl(x, 64 - n));
  }
  template <int n>
  CAM_LANES static V shr(V x) {
    return wasm_u64x2_shr(x, n);
  }
  CAM_LANES static V set(Word x) { return wasm_i64x2_splat(static_cast<std::int64_t>(x)); }
  CAM_LANES static V big_endian(const std::uint8_t* bytes) {
    const V words = wasm_v128_load(bytes);
    return wasm_i8x16_shuffle(words, words, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
  }
  CAM_LANES static void transpose(V* r) {
    const V a = r[0];
    r[0] = wasm_i64x2_shuffle(a, r[1], 0, 2);
    r[1] = wasm_i64x2_shuffle(a, r[1], 1, 3);
  }
};

}  // namespace

void sha256_x4_simd128(std::uint32_t* state, const std::uint8_t* const* next, std::size_t blocks) {
  compress<Words32>(state, next, blocks);
}
void sha512_x2_simd128(std::uint64_t* state, const std::uint8_t* const* next, std::size_t blocks) {
  compress<Words64>(state, next, blocks);
}

}  // namespace camvault::crypto_openssl
#endif

// Two SHA-256 messages in turn with the x86 SHA instructions.
#include "sha2_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "sha2_constants.h"

namespace camvault::crypto_openssl {

namespace {

constexpr std::size_t kBlock = 64;

// The state as the instructions want it: words A, B, E, F and C, D, G, H.
struct State {
  __m128i abef;
  __m128i cdgh;
};

#define CAM_SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

State read_state(const std::uint32_t* lane) {
  const auto word = [&](int row) { return static_cast<int>(lane[2 * row]); };
  return {_mm_set_epi32(word(0), word(1), word(4), word(5)),
          _mm_set_epi32(word(2), word(3), word(6), word(7))};
}

void write_state(const State& state, std::uint32_t* lane) {
  alignas(16) std::uint32_t abef[4];
  alignas(16) std::uint32_t cdgh[4];
  _mm_store_si128(reinterpret_cast<__m128i*>(abef), state.abef);
  _mm_store_si128(reinterpret_cast<__m128i*>(cdgh), state.cdgh);
  const std::uint32_t words[8] = {abef[3], abef[2], cdgh[3], cdgh[2], abef[1], abef[0], cdgh[1], cdgh[0]};
  for (int row = 0; row < 8; ++row) lane[2 * row] = words[row];
}

CAM_SHA_TARGET inline __m128i load_words(const std::uint8_t* bytes) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)), big_endian);
}

// Four rounds with four words of the message schedule.
CAM_SHA_TARGET inline void four_rounds(State& state, __m128i words, int group) {
  const auto* constants = reinterpret_cast<const __m128i*>(kSha256Rounds) + group;
  const __m128i sum = _mm_add_epi32(words, _mm_load_si128(constants));
  state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, sum);
  state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

// The next four words: FIPS 180-4, 6.2.2 step 1.
CAM_SHA_TARGET inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3) {
  const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  return _mm_sha256msg2_epu32(sum, w3);
}

}  // namespace

CAM_SHA_TARGET void sha256_x2_sha(std::uint32_t* state, const std::uint8_t* const* next, std::size_t blocks) {
  State x = read_state(state);
  State y = read_state(state + 1);
  const std::uint8_t* a = next[0];
  const std::uint8_t* b = next[1];
  for (; blocks > 0; --blocks, a += kBlock, b += kBlock) {
    const State x_before = x;
    const State y_before = y;
    __m128i u[4];
    __m128i v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      u[i] = load_words(a + 16 * i);
      v[i] = load_words(b + 16 * i);
      four_rounds(x, u[i], i);
      four_rounds(y, v[i], i);
    }
#pragma GCC unroll 12
    for (int i = 4; i < 16; ++i) {
      u[i & 3] = next_words(u[i & 3], u[(i + 1) & 3], u[(i + 2) & 3], u[(i + 3) & 3]);
      v[i & 3] = next_words(v[i & 3], v[(i + 1) & 3], v[(i + 2) & 3], v[(i + 3) & 3]);
      four_rounds(x, u[i & 3], i);
      four_rounds(y, v[i & 3], i);
    }
    x = {_mm_add_epi32(x.abef, x_before.abef), _mm_add_epi32(x.cdgh, x_before.cdgh)};
    y = {_mm_add_epi32(y.abef, y_before.abef), _mm_add_epi32(y.cdgh, y_before.cdgh)};
  }
  write_state(x, state);
  write_state(y, state + 1);
}

}  // namespace camvault::crypto_openssl
#endif

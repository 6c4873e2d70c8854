#include "sha256_lanes.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace camvault::crypto_openssl {

#if defined(__x86_64__)

namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kLengthBytes = 8;

// FIPS 180-4, 4.2.2.
alignas(16) constexpr std::uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The state as the instructions want it: words A, B, E, F and C, D, G, H.
struct State {
  __m128i abef;
  __m128i cdgh;
};

// FIPS 180-4, 5.3.3: words A to H are 6a09e667 bb67ae85 3c6ef372 a54ff53a 510e527f 9b05688c 1f83d9ab
// 5be0cd19.
State initial_state() {
  return {_mm_set_epi32(0x6a09e667, static_cast<int>(0xbb67ae85), 0x510e527f, static_cast<int>(0x9b05688c)),
          _mm_set_epi32(0x3c6ef372, static_cast<int>(0xa54ff53a), 0x1f83d9ab, 0x5be0cd19)};
}

#define CAM_SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

CAM_SHA_TARGET inline __m128i load_words(const std::uint8_t* bytes) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)), big_endian);
}

// Four rounds with four words of the message schedule.
CAM_SHA_TARGET inline void four_rounds(State& state, __m128i words, int group) {
  const auto* constants = reinterpret_cast<const __m128i*>(kRoundConstants) + group;
  const __m128i sum = _mm_add_epi32(words, _mm_load_si128(constants));
  state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, sum);
  state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

// The next four words: FIPS 180-4, 6.2.2 step 1.
CAM_SHA_TARGET inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3) {
  const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  return _mm_sha256msg2_epu32(sum, w3);
}

// `blocks` blocks of two messages, in turn.
CAM_SHA_TARGET void compress_two(State& first, const std::uint8_t* a, State& second, const std::uint8_t* b,
                                 std::size_t blocks) {
  State x = first;
  State y = second;
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
  first = x;
  second = y;
}

// A message on its way: whole blocks first, then one or two blocks with the rest, the padding and the length.
struct Lane {
  State state{};
  const std::uint8_t* next = nullptr;
  std::size_t blocks = 0;  // that can be read at `next`
  std::array<std::uint8_t, 2 * kBlock> tail{};
  std::size_t tail_blocks = 0;  // 0: the tail is being read, or nothing is
  crypto::Digest* out = nullptr;

  bool busy() const { return out != nullptr; }

  void start(BytesView message, crypto::Digest& digest) {
    state = initial_state();
    out = &digest;
    next = message.data();
    blocks = message.size() / kBlock;
    const auto rest = message.size() % kBlock;
    tail_blocks = rest + 1 + kLengthBytes <= kBlock ? 1 : 2;
    tail.fill(0);
    if (rest > 0) std::memcpy(tail.data(), message.data() + blocks * kBlock, rest);
    tail[rest] = 0x80;  // FIPS 180-4, 5.1.1
    auto bits = static_cast<std::uint64_t>(message.size()) * 8;
    for (auto at = tail_blocks * kBlock; bits != 0; bits >>= 8) tail[--at] = static_cast<std::uint8_t>(bits);
    if (blocks == 0) turn_to_tail();
  }

  void turn_to_tail() {
    next = tail.data();
    blocks = std::exchange(tail_blocks, 0);
  }

  // After `count` blocks.
  void advance(std::size_t count) {
    next += count * kBlock;
    blocks -= count;
    if (blocks == 0 && tail_blocks > 0) turn_to_tail();
    if (blocks == 0) finish();
  }

  void finish() {
    alignas(16) std::array<std::uint32_t, 4> abef{};
    alignas(16) std::array<std::uint32_t, 4> cdgh{};
    _mm_store_si128(reinterpret_cast<__m128i*>(abef.data()), state.abef);
    _mm_store_si128(reinterpret_cast<__m128i*>(cdgh.data()), state.cdgh);
    const std::array<std::uint32_t, 8> words = {abef[3], abef[2], cdgh[3], cdgh[2],
                                                abef[1], abef[0], cdgh[1], cdgh[0]};
    auto* bytes = out->bytes.data();
    for (const auto word : words) {
      for (int shift = 24; shift >= 0; shift -= 8) *bytes++ = static_cast<std::uint8_t>(word >> shift);
    }
    out->size = 32;
    out = nullptr;
  }
};

bool processor_has_sha() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
  const bool ssse3 = (c >> 9 & 1) != 0;
  const bool sse41 = (c >> 19 & 1) != 0;
  if (!ssse3 || !sse41 || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  return (b >> 29 & 1) != 0;
}

}  // namespace

bool has_sha256_lanes() {
  static const bool has = processor_has_sha();
  return has;
}

void sha256_lanes(std::span<const BytesView> messages, std::span<crypto::Digest> out) {
  std::array<Lane, 2> lanes;
  std::size_t next = 0;
  const auto refill = [&](Lane& lane) {
    if (!lane.busy() && next < messages.size()) {
      lane.start(messages[next], out[next]);
      ++next;
    }
  };
  Lane idle;
  idle.state = initial_state();
  for (;;) {
    refill(lanes[0]);
    refill(lanes[1]);
    auto& first = lanes[0].busy() ? lanes[0] : lanes[1];
    if (!first.busy()) return;
    auto& second = lanes[0].busy() ? lanes[1] : lanes[0];
    if (second.busy()) {
      const auto count = std::min(first.blocks, second.blocks);
      compress_two(first.state, first.next, second.state, second.next, count);
      first.advance(count);
      second.advance(count);
    } else {
      // The last message of the batch, alone: the second lane's result is thrown away.
      const auto count = first.blocks;
      compress_two(first.state, first.next, idle.state, first.next, count);
      first.advance(count);
    }
  }
}

#else

bool has_sha256_lanes() {
  return false;
}
void sha256_lanes(std::span<const BytesView>, std::span<crypto::Digest>) {}

#endif

}  // namespace camvault::crypto_openssl

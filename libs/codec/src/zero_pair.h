// Are there two zero bytes in a row that begin in this block? Escaped video holds 00 00 only in start codes
// and before a 0x03, about once in 64 kB, so almost every block is passed over by this one question.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace camvault::codec {

inline constexpr std::size_t kPairBlock = 64;

// Both look at the bytes [at, at + kPairBlock], one more than the block: all of them must exist. Same
// answers.
inline bool has_zero_pair_portable(const std::uint8_t* at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < kPairBlock; i += 8) {
    std::uint64_t here = 0;
    std::uint64_t next = 0;
    std::memcpy(&here, at + i, sizeof here);
    std::memcpy(&next, at + i + 1, sizeof next);
    const auto pair = here | next;             // a byte is 0 if it and the one behind it are
    found |= (pair - kOnes) & ~pair & kHighs;  // not 0 exactly if a byte of `pair` is 0, in either byte order
  }
  return found != 0;
}

#if defined(__SSE2__)
inline bool has_zero_pair(const std::uint8_t* at) {
  const auto pair = [at](std::size_t i) {
    return _mm_or_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i)),
                        _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i + 1)));
  };
  const auto least = _mm_min_epu8(_mm_min_epu8(pair(0), pair(16)), _mm_min_epu8(pair(32), pair(48)));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) != 0;
}
#else
inline bool has_zero_pair(const std::uint8_t* at) {
  return has_zero_pair_portable(at);
}
#endif

}  // namespace camvault::codec

#include "camvault/codec/annex_b.h"

#include <bit>
#include <cstring>

#include "camvault/codec/unit.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace camvault::codec {

namespace {

// Escaped video holds 00 00 only in start codes and before a 0x03, about once in 64 kB. So whole blocks are
// tested for "no two zeros in a row" and passed over; only a block with a pair is looked at byte by byte.
// Each function reads one byte past its block: bytes [at, at + kBlock] must exist.
#if defined(__SSE2__)

constexpr std::size_t kBlock = 64;

bool has_zero_pair(const std::uint8_t* at) {
  const auto pair = [at](std::size_t i) {
    // Zero in the result: this byte and the next are zero.
    return _mm_or_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i)),
                        _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i + 1)));
  };
  const auto least = _mm_min_epu8(_mm_min_epu8(pair(0), pair(16)), _mm_min_epu8(pair(32), pair(48)));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) != 0;
}

#else

constexpr std::size_t kBlock = 32;

bool has_zero_pair(const std::uint8_t* at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const auto zero_bytes = [at](std::size_t i) {
    std::uint64_t here = 0;
    std::uint64_t next = 0;
    std::memcpy(&here, at + i, sizeof here);
    std::memcpy(&next, at + i + 1, sizeof next);
    const auto pair = here | next;
    return (pair - kOnes) & ~pair & kHighs;  // not 0 exactly if a byte of `pair` is 0, in either byte order
  };
  return (zero_bytes(0) | zero_bytes(8) | zero_bytes(16) | zero_bytes(24)) != 0;
}

#endif

}  // namespace

std::size_t find_start_code(BytesView bytes, std::size_t from) {
  const auto* data = bytes.data();
  const std::size_t size = bytes.size();
  if (size < 3) return size;
  const std::size_t last = size - 3;  // where a start code can begin at most
  std::size_t at = from;
  while (at <= last) {
    while (size - at > kBlock && !has_zero_pair(data + at)) at += kBlock;
    // A pair is near, or the end. A start code that begins in these bytes may end after them.
    const std::size_t stop = size - at > kBlock ? at + kBlock : last + 1;
    while (at < stop && at <= last) {
      if (data[at + 2] > 1) {
        at += 3;  // no start code begins at at, at + 1 or at + 2
      } else if (data[at] == 0 && data[at + 1] == 0 && data[at + 2] == 1) {
        return at;
      } else {
        ++at;
      }
    }
  }
  return size;
}

AnnexBReader::AnnexBReader(BytesView stream) : stream_(stream), position_(find_start_code(stream)) {}

std::optional<AnnexBReader::Found> AnnexBReader::next() {
  while (position_ < stream_.size()) {
    const std::size_t begin = position_ + 3;
    position_ = find_start_code(stream_, begin);
    const auto unit = without_trailing_zeros(stream_.subspan(begin, position_ - begin));
    if (!unit.empty()) return Found{unit, begin};
  }
  return std::nullopt;
}

}  // namespace camvault::codec

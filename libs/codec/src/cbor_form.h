// What reader and writer of CBOR share: the head of an item (RFC 8949, 3) and the check of a whole value.
#pragma once

#include "camvault/base/bytes.h"

namespace camvault::codec::cbor {

inline constexpr std::uint8_t kUnsigned = 0;
inline constexpr std::uint8_t kNegative = 1;
inline constexpr std::uint8_t kBytes = 2;
inline constexpr std::uint8_t kText = 3;
inline constexpr std::uint8_t kArray = 4;
inline constexpr std::uint8_t kMap = 5;
inline constexpr std::uint8_t kSimple = 7;
inline constexpr std::uint64_t kFalse = 20;
inline constexpr std::uint64_t kTrue = 21;
inline constexpr std::uint64_t kNull = 22;

struct Head {
  std::uint8_t major = 0;
  std::uint64_t argument = 0;
  std::size_t size = 0;  // bytes of the head itself
};

// Refuses forms that are longer than needed, indefinite lengths, tags and floats.
Result<Head> read_head(BytesView input);

// Exactly one value by all the rules of cbor.h. Iterative, O(size).
Status check(BytesView input);

// Bytes of the first item of `input`, which check() has accepted as part of a value.
std::size_t item_size(BytesView input);

bool is_utf8(BytesView text);

}  // namespace camvault::codec::cbor

// Bytes in (views), bytes out (vectors), hex, and fixed-size byte strings as types of their own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/result.h"

namespace camvault {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

// A byte string of one purpose and size: swapping two arguments does not compile.
template <class Tag, std::size_t N>
struct Fixed {
  std::array<std::uint8_t, N> value{};
  static constexpr std::size_t kSize = N;
  operator BytesView() const { return value; }  // NOLINT(google-explicit-constructor): a view of itself
  friend bool operator==(const Fixed&, const Fixed&) = default;
};

BytesView as_bytes(std::string_view text);
std::string_view as_text(BytesView bytes);
Bytes to_bytes(BytesView view);
void append(Bytes& out, BytesView more);
bool equal(BytesView a, BytesView b);

// Takes the same time wherever the first difference is. For MACs and anything compared with a secret.
bool equal_constant_time(BytesView a, BytesView b);

std::string to_hex(BytesView bytes);            // lower case
Result<Bytes> from_hex(std::string_view text);  // either case, no separators

}  // namespace camvault

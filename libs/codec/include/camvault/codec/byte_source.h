// Where the bytes of a clip come from when they do not lie in memory as a whole: a file in a browser.
#pragma once

#include <cstdint>
#include <span>

#include "camvault/base/result.h"

namespace camvault::codec {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;  // stays the same
  // Fills `out` with the bytes from `offset` on: all of them, or an error (Errc::io, and the like). Asked
  // only for what lies inside of size().
  virtual Status read(std::uint64_t offset, std::span<std::uint8_t> out) = 0;
};

}  // namespace camvault::codec

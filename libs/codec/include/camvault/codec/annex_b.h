// Byte streams with start codes (ITU-T H.264 annex B, ITU-T H.265 annex B).
#pragma once

#include <cstdint>
#include <optional>

#include "camvault/base/bytes.h"

namespace camvault::codec {

// Offset of the first 00 00 01 at or after `from`; bytes.size() when there is none. Faster than any hash.
std::size_t find_start_code(BytesView bytes, std::size_t from = 0);

// Goes through the units between start codes, front to back. The zero_byte before a start code and trailing
// zeros belong to no unit, nor does anything before the first start code. Empty units (two start codes in a
// row) are passed over. Views into the stream; O(size) for the whole stream, whatever is in it.
class AnnexBReader {
 public:
  explicit AnnexBReader(BytesView stream);

  struct Found {
    BytesView bytes;
    std::size_t offset = 0;  // of the first byte of the unit (its header) in the stream
  };
  std::optional<Found> next();

 private:
  BytesView stream_;
  std::size_t position_ = 0;  // of the next start code, or the size of the stream
};

}  // namespace camvault::codec

// Bits of a NAL unit's payload with emulation prevention bytes taken out (ITU-T H.264 7.4.1, H.265 7.4.2).
#pragma once

#include <cstdint>

#include "camvault/base/bytes.h"

namespace camvault::container {

class BitReader {
 public:
  explicit BitReader(BytesView payload) : payload_(payload) {}

  Result<std::uint32_t> bits(unsigned count);  // at most 32
  Result<bool> flag();
  Status skip(std::size_t count);
  Result<std::uint32_t> ue();  // H.264 9.1, H.265 9.2: unsigned Exp-Golomb
  Result<std::int32_t> se();   // signed Exp-Golomb

 private:
  Result<std::uint32_t> bit();

  BytesView payload_;
  std::size_t position_ = 0;  // of the byte that bits come from
  unsigned used_bits_ = 8;    // of that byte; 8 = fetch the next one
  std::uint8_t current_ = 0;
  unsigned zeros_ = 0;  // zero bytes before `position_`
};

}  // namespace camvault::container

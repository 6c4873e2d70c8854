#include "bit_reader.h"

namespace camvault::container {

Result<std::uint32_t> BitReader::bit() {
  if (used_bits_ == 8) {
    if (position_ < payload_.size() && zeros_ >= 2 && payload_[position_] == 3) {
      ++position_;
      zeros_ = 0;
    }
    if (position_ >= payload_.size()) return fail(Errc::malformed, "unit ends inside a field");
    current_ = payload_[position_++];
    zeros_ = current_ == 0 ? zeros_ + 1 : 0;
    used_bits_ = 0;
  }
  ++used_bits_;
  return (static_cast<std::uint32_t>(current_) >> (8 - used_bits_)) & 1u;
}

Result<std::uint32_t> BitReader::bits(unsigned count) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < count; ++i) {
    CAM_TRY(const auto next, bit());
    value = value << 1 | next;
  }
  return value;
}

Result<bool> BitReader::flag() {
  CAM_TRY(const auto value, bit());
  return value != 0;
}

Status BitReader::skip(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    CAM_TRY_STATUS(bit());
  }
  return ok();
}

Result<std::uint32_t> BitReader::ue() {
  unsigned zeros = 0;
  for (;;) {
    CAM_TRY(const auto next, bit());
    if (next != 0) break;
    // 32 bits hold at most 2^32 - 2, which has 31 leading zeros; longer codes are not in any field we read.
    if (++zeros > 31) return fail(Errc::malformed, "Exp-Golomb code too long");
  }
  CAM_TRY(const auto rest, bits(zeros));
  return ((1u << zeros) - 1u) + rest;
}

Result<std::int32_t> BitReader::se() {
  CAM_TRY(const auto code, ue());
  const auto magnitude = static_cast<std::int64_t>((static_cast<std::uint64_t>(code) + 1) / 2);
  return static_cast<std::int32_t>(code % 2 == 1 ? magnitude : -magnitude);
}

}  // namespace camvault::container

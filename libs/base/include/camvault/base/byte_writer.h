// Writes big-endian fields into a growing byte string.
#pragma once

#include <cstdint>

#include "camvault/base/bytes.h"

namespace camvault {

class ByteWriter {
 public:
  void u8(std::uint8_t value);
  void u16(std::uint16_t value);
  void u24(std::uint32_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void raw(BytesView bytes);
  void fill(std::size_t count, std::uint8_t value);

  // Overwrites four or two bytes written earlier: for sizes that are known at the end.
  void patch_u16(std::size_t at, std::uint16_t value);
  void patch_u32(std::size_t at, std::uint32_t value);

  std::size_t size() const { return out_.size(); }
  BytesView view() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

}  // namespace camvault

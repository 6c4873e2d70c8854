// The only way into bytes that somebody else wrote: checks, then moves. Big endian unless the name says so.
// A length field becomes a sub-reader, so that a field cannot reach its neighbour.
#pragma once

#include <cstdint>

#include "camvault/base/bytes.h"

namespace camvault {

class ByteReader {
 public:
  explicit ByteReader(BytesView data) : data_(data) {}

  Result<std::uint8_t> u8();
  Result<std::uint16_t> u16();
  Result<std::uint32_t> u24();
  Result<std::uint32_t> u32();
  Result<std::uint64_t> u64();
  Result<BytesView> take(std::size_t count);  // a view into the input
  Result<ByteReader> sub(std::size_t count);  // a reader over the next `count` bytes
  Status skip(std::size_t count);
  BytesView rest();  // everything that is left; the reader is then at its end

  // The end is part of the format: bytes left over are an error.
  Status finish() const;

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return data_.size() - position_; }
  bool at_end() const { return remaining() == 0; }

 private:
  BytesView data_;
  std::size_t position_ = 0;
};

}  // namespace camvault

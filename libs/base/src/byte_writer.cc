#include "camvault/base/byte_writer.h"

#include <cassert>

namespace camvault {

void ByteWriter::u8(std::uint8_t value) {
  out_.push_back(value);
}

void ByteWriter::u16(std::uint16_t value) {
  u8(static_cast<std::uint8_t>(value >> 8));
  u8(static_cast<std::uint8_t>(value));
}

void ByteWriter::u24(std::uint32_t value) {
  u8(static_cast<std::uint8_t>(value >> 16));
  u16(static_cast<std::uint16_t>(value));
}

void ByteWriter::u32(std::uint32_t value) {
  u16(static_cast<std::uint16_t>(value >> 16));
  u16(static_cast<std::uint16_t>(value));
}

void ByteWriter::u64(std::uint64_t value) {
  u32(static_cast<std::uint32_t>(value >> 32));
  u32(static_cast<std::uint32_t>(value));
}

void ByteWriter::raw(BytesView bytes) {
  append(out_, bytes);
}

void ByteWriter::fill(std::size_t count, std::uint8_t value) {
  out_.insert(out_.end(), count, value);
}

void ByteWriter::patch_u16(std::size_t at, std::uint16_t value) {
  assert(at + 2 <= out_.size());
  out_[at] = static_cast<std::uint8_t>(value >> 8);
  out_[at + 1] = static_cast<std::uint8_t>(value);
}

void ByteWriter::patch_u32(std::size_t at, std::uint32_t value) {
  patch_u16(at, static_cast<std::uint16_t>(value >> 16));
  patch_u16(at + 2, static_cast<std::uint16_t>(value));
}

}  // namespace camvault

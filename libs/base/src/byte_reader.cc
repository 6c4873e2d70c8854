#include "camvault/base/byte_reader.h"

namespace camvault {

namespace {
template <class T>
T big_endian(BytesView bytes) {
  T value = 0;
  for (const auto byte : bytes) value = static_cast<T>(static_cast<T>(value << 8) | byte);
  return value;
}
}  // namespace

Result<BytesView> ByteReader::take(std::size_t count) {
  if (count > remaining()) return fail(Errc::malformed, "field longer than its container");
  const auto view = data_.subspan(position_, count);
  position_ += count;
  return view;
}

Result<std::uint8_t> ByteReader::u8() {
  CAM_TRY(const auto bytes, take(1));
  return bytes[0];
}

Result<std::uint16_t> ByteReader::u16() {
  CAM_TRY(const auto bytes, take(2));
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

Result<std::uint32_t> ByteReader::u24() {
  CAM_TRY(const auto bytes, take(3));
  return big_endian<std::uint32_t>(bytes);
}

Result<std::uint32_t> ByteReader::u32() {
  CAM_TRY(const auto bytes, take(4));
  return big_endian<std::uint32_t>(bytes);
}

Result<std::uint64_t> ByteReader::u64() {
  CAM_TRY(const auto bytes, take(8));
  return big_endian<std::uint64_t>(bytes);
}

Result<ByteReader> ByteReader::sub(std::size_t count) {
  CAM_TRY(const auto bytes, take(count));
  return ByteReader(bytes);
}

Status ByteReader::skip(std::size_t count) {
  CAM_TRY_STATUS(take(count));
  return ok();
}

BytesView ByteReader::rest() {
  const auto view = data_.subspan(position_);
  position_ = data_.size();
  return view;
}

Status ByteReader::finish() const {
  if (!at_end()) return fail(Errc::malformed, "bytes left over after the last field");
  return ok();
}

}  // namespace camvault

#include "camvault/codec/obu.h"

#include <algorithm>

namespace camvault::codec {

namespace {
constexpr std::uint8_t kForbiddenBit = 0x80;
constexpr std::uint8_t kExtensionBit = 0x04;
constexpr std::uint8_t kSizeBit = 0x02;
constexpr std::size_t kMaxLeb128 = 8;
}  // namespace

Result<Leb128> read_leb128(BytesView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < std::min(bytes.size(), kMaxLeb128); ++i) {
    value |= std::uint64_t{bytes[i] & 0x7fU} << (7 * i);
    if ((bytes[i] & 0x80) != 0) continue;
    if (value > 0xffff'ffff) return fail(Errc::malformed, "AV1: a size of more than 32 bits");
    return Leb128{static_cast<std::uint32_t>(value), i + 1};
  }
  return fail(Errc::malformed, "AV1: a size that does not end");
}

Bytes leb128(std::uint32_t value) {
  Bytes out;
  for (; value > 0x7f; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
  return out;
}

Result<ObuHeader> read_obu_header(BytesView bytes) {
  if (bytes.empty() || (bytes[0] & kForbiddenBit) != 0) return fail(Errc::malformed, "AV1: no OBU header");
  ObuHeader header;
  header.type = static_cast<ObuType>(bytes[0] >> 3 & 0x0f);
  header.has_extension = (bytes[0] & kExtensionBit) != 0;
  header.has_size = (bytes[0] & kSizeBit) != 0;
  header.payload_offset = header.has_extension ? 2 : 1;
  if (bytes.size() < header.payload_offset) return fail(Errc::malformed, "AV1: an OBU header is cut short");
  if (!header.has_size) {
    header.payload_size = bytes.size() - header.payload_offset;
    return header;
  }
  CAM_TRY(const auto size, read_leb128(bytes.subspan(header.payload_offset)));
  header.payload_offset += size.size;
  header.payload_size = size.value;
  return header;
}

}  // namespace camvault::codec

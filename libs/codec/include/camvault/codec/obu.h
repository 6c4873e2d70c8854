// Open bitstream units of AV1 (AV1 bitstream specification, 5.3), in the low-overhead format (5.2): each says
// its own size. Nothing is read past the end, and nothing is copied.
#pragma once

#include <cstdint>

#include "camvault/base/bytes.h"

namespace camvault::codec {

// 6.2.2, obu_type.
enum class ObuType : std::uint8_t {
  sequence_header = 1,
  temporal_delimiter = 2,
  frame_header = 3,
  tile_group = 4,
  metadata = 5,
  frame = 6,
  redundant_frame_header = 7,
  tile_list = 8,
  padding = 15,
};

struct ObuHeader {
  ObuType type = ObuType::padding;  // or a reserved value
  bool has_extension = false;
  bool has_size = false;
  std::size_t payload_offset = 0;  // behind header, extension and size field
  std::size_t payload_size = 0;    // what the size field says; without one, all that follows
  // The whole OBU; payload_size may come from a hostile size field, so this can be more than there is.
  std::size_t size() const { return payload_offset + payload_size; }
};

// Errc::malformed when the forbidden bit is set or the header is cut short or longer than 32 bits say.
Result<ObuHeader> read_obu_header(BytesView bytes);

// 4.10.5, leb128(): at most 8 bytes and 32 bits. Gives the value and how many bytes it took.
struct Leb128 {
  std::uint32_t value = 0;
  std::size_t size = 0;
};
Result<Leb128> read_leb128(BytesView bytes);
// The shortest form.
Bytes leb128(std::uint32_t value);

}  // namespace camvault::codec

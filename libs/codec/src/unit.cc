#include "camvault/codec/unit.h"

namespace camvault::codec {

namespace {

constexpr std::uint8_t kForbiddenBit = 0x80;

// ITU-T H.264, 7.3.1 and table 7-1.
UnitInfo classify_h264(BytesView unit) {
  UnitInfo info;
  if (unit.empty() || (unit[0] & kForbiddenBit) != 0) return info;
  info.type = unit[0] & 0x1f;
  switch (info.type) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 20:
    case 21:
      info.kind = UnitKind::slice;
      break;
    case 6:
      info.kind = UnitKind::sei;
      break;
    case 7:
    case 8:
    case 13:
    case 15:
      info.kind = UnitKind::parameter_set;
      break;
    case 9:
    case 10:
    case 11:
    case 12:
      info.kind = UnitKind::delimiter;
      break;
    default:
      info.kind = UnitKind::other;
  }
  if (info.kind != UnitKind::slice) return info;
  // 7.3.3: a slice header begins with first_mb_in_slice, ue(v), where 0 is the single bit 1. Partitions B and
  // C (3, 4) begin with slice_id and belong to a partition A; slices of other views and layers (20, 21) have
  // an extended header and share the picture of a base slice.
  const bool has_slice_header = info.type == 1 || info.type == 2 || info.type == 5;
  info.first_slice = has_slice_header && unit.size() > 1 && (unit[1] & 0x80) != 0;
  info.gop_start = info.type == 5;
  info.reference_hashed = info.type == 1 || info.type == 5;
  return info;
}

// ITU-T H.265, 7.3.1.2 and table 7-1. Reserved VCL types count as slices: a future decoder may show them.
UnitInfo classify_h265(BytesView unit) {
  UnitInfo info;
  if (unit.size() < 2 || (unit[0] & kForbiddenBit) != 0) return info;
  info.type = static_cast<std::uint8_t>(unit[0] >> 1);
  if (info.type < 32) {
    info.kind = UnitKind::slice;
  } else if (info.type <= 34) {
    info.kind = UnitKind::parameter_set;
  } else if (info.type <= 38) {
    info.kind = UnitKind::delimiter;
  } else if (info.type <= 40) {
    info.kind = UnitKind::sei;
  } else {
    info.kind = UnitKind::other;
  }
  if (info.kind != UnitKind::slice) return info;
  // 7.3.6.1: first_slice_segment_in_pic_flag is the first bit.
  info.first_slice = unit.size() > 2 && (unit[2] & 0x80) != 0;
  info.gop_start = info.type >= 16 && info.type <= 21;
  info.reference_hashed = info.type <= 1 || info.gop_start;
  return info;
}

}  // namespace

std::string_view to_string(Codec codec) {
  return codec == Codec::h264 ? "h264" : "h265";
}

UnitInfo classify(Codec codec, BytesView unit) {
  return codec == Codec::h264 ? classify_h264(unit) : classify_h265(unit);
}

BytesView without_trailing_zeros(BytesView unit) {
  std::size_t size = unit.size();
  while (size > 0 && unit[size - 1] == 0) --size;
  return unit.first(size);
}

}  // namespace camvault::codec

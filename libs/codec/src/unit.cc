#include "camvault/codec/unit.h"

#include "camvault/codec/obu.h"

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

// AV1 specification 5.9.2: without reduced_still_picture_header a frame header begins with
// show_existing_frame, frame_type (0 is a key frame) and show_frame.
UnitInfo classify_av1(BytesView unit) {
  UnitInfo info;
  const auto header = read_obu_header(unit);
  if (!header) return info;
  info.type = static_cast<std::uint8_t>(header->type);
  const auto first = unit.size() > header->payload_offset ? unit[header->payload_offset] : 0xff;
  switch (header->type) {
    case ObuType::frame:
    case ObuType::frame_header:
      info.kind = UnitKind::slice;
      info.first_slice = true;
      info.gop_start = (first & 0xe0) == 0;
      info.reference_hashed = header->type == ObuType::frame;
      break;
    case ObuType::tile_group:
      info.kind = UnitKind::slice;
      break;
    case ObuType::metadata:
      info.kind = UnitKind::sei;
      break;
    case ObuType::sequence_header:
      info.kind = UnitKind::parameter_set;
      break;
    case ObuType::temporal_delimiter:
    case ObuType::padding:
      info.kind = UnitKind::delimiter;
      break;
    default:
      info.kind = UnitKind::other;
  }
  return info;
}

}  // namespace

std::string_view to_string(Codec codec) {
  switch (codec) {
    case Codec::h264:
      return "h264";
    case Codec::h265:
      return "h265";
    case Codec::av1:
      return "av1";
  }
  return "unknown";
}

std::string_view name_of(Codec codec) {
  switch (codec) {
    case Codec::h264:
      return "H.264";
    case Codec::h265:
      return "H.265";
    case Codec::av1:
      return "AV1";
  }
  return "unknown";
}

UnitInfo classify(Codec codec, BytesView unit) {
  switch (codec) {
    case Codec::h264:
      return classify_h264(unit);
    case Codec::h265:
      return classify_h265(unit);
    case Codec::av1:
      return classify_av1(unit);
  }
  return {};
}

BytesView without_trailing_zeros(BytesView unit) {
  std::size_t size = unit.size();
  while (size > 0 && unit[size - 1] == 0) --size;
  return unit.first(size);
}

}  // namespace camvault::codec

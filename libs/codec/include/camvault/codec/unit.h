// The smallest thing that is hashed and signed: one NAL unit of H.264 (ITU-T H.264 7.3.1) or H.265 (ITU-T
// H.265 7.3.1), without start code or length prefix, or one OBU of AV1 (AV1 specification 5.3) with its
// header.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "camvault/base/bytes.h"
#include "camvault/base/time.h"

namespace camvault::codec {

enum class Codec : std::uint8_t { h264, h265, av1 };
std::string_view to_string(Codec codec);  // "h264", "h265", "av1"
std::string_view name_of(Codec codec);    // for people: "H.264", "H.265", "AV1"

enum class UnitKind : std::uint8_t {
  slice,          // any VCL unit; AV1: frame, frame header, tile group
  sei,            // H.264 type 6; H.265 types 39 and 40; AV1 metadata
  parameter_set,  // VPS, SPS, SPS extension, subset SPS, PPS; AV1 sequence header
  delimiter,      // access unit delimiter, end of sequence, end of stream, filler; AV1 temporal delimiter,
                  // padding
  other,          // everything else, reserved and unspecified types too
  broken,         // too short to have a header, or the forbidden bit is set
};

struct UnitInfo {
  UnitKind kind = UnitKind::broken;
  std::uint8_t type = 0;     // nal_unit_type; obu_type
  bool first_slice = false;  // first slice (segment) of its picture
  bool gop_start = false;    // slice of an IDR picture (H.264 type 5), IRAP picture (H.265 types 16 to 21) or
                             // key frame (AV1)
  bool reference_hashed = false;  // hashed by ONVIF's and Axis' implementations (H.264 1, 5; H.265 0, 1, 16
                                  // to 21; AV1 whole frames)
};

// Looks at the header and, for slices, at the first bit after it. Never reads past the end.
UnitInfo classify(Codec codec, BytesView unit);

// Cuts zero bytes at the end (trailing_zero_8bits, cabac_zero_words written loosely): they are never hashed.
BytesView without_trailing_zeros(BytesView unit);

// One unit in its stream. `bytes` belongs to the source and stays valid until the next read from it.
struct Unit {
  BytesView bytes;
  std::uint64_t offset = 0;  // of the first byte in the file, for reports
  std::optional<Timestamp>
      container_time;  // presentation time in the container, since its beginning (1970 = 0)
  bool out_of_band =
      false;  // parameter set or SEI from the container's header; only when ClipOptions ask for it
};

}  // namespace camvault::codec

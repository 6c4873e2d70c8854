// Which video a pad carries, how its units are framed, and the units of a buffer.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/codec/unit.h"

namespace camvault::gst_support {

struct VideoFormat {
  codec::Codec codec = codec::Codec::h264;
  std::uint8_t length_size = 0;  // bytes of the length in front of each unit (avc, hvc1, ...); 0: start codes
  std::vector<Bytes> header_units{};  // parameter sets and SEIs that codec_data holds

  friend bool operator==(const VideoFormat&, const VideoFormat&) = default;
};

// Caps of the pads of elements that look into the video: whole pictures, in every framing.
inline constexpr const char* kPictureCaps =
    "video/x-h264, stream-format=(string){ byte-stream, avc, avc3 }, alignment=(string)au; "
    "video/x-h265, stream-format=(string){ byte-stream, hvc1, hev1 }, alignment=(string)au";

// From fixed caps. Errc::unsupported for anything but the above; Errc::malformed when codec_data is missing
// or too short to hold the size of the lengths (ISO/IEC 14496-15 5.3.3.1, 8.3.3.1).
Result<VideoFormat> format_of(const GstCaps& caps);

// "video/x-h264" and "video/x-h265" by name; nothing for others.
std::optional<codec::Codec> codec_of_caps_name(std::string_view name);

struct PlacedUnit {
  BytesView bytes;
  std::size_t begin = 0;  // of its start code or length in the buffer
};

// The units of one buffer; replaces `out`. Errc::malformed when a length reaches past the end, Errc::limit
// for more than kMaxUnits.
Status split(BytesView buffer, const VideoFormat& format, std::vector<PlacedUnit>& out);
inline constexpr std::size_t kMaxUnits = 100'000;

// A unit as it stands in a buffer of this format. Errc::limit when its size does not fit the length.
Result<Bytes> framed(BytesView unit, const VideoFormat& format);

}  // namespace camvault::gst_support

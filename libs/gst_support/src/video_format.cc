#include "camvault/gst_support/video_format.h"

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/codec/annex_b.h"
#include "camvault/codec/decoder_configuration.h"
#include "camvault/gst_support/handles.h"

// The cast macros of GLib and GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_support {

namespace {
// Where lengthSizeMinusOne stands, in the low two bits.
constexpr std::size_t kAvcLengthByte = 4;
constexpr std::size_t kHevcLengthByte = 21;
}  // namespace

std::optional<codec::Codec> codec_of_caps_name(std::string_view name) {
  if (name == "video/x-h264") return codec::Codec::h264;
  if (name == "video/x-h265") return codec::Codec::h265;
  return std::nullopt;
}

Result<VideoFormat> format_of(const GstCaps& caps) {
  if (gst_caps_get_size(&caps) == 0) return fail(Errc::unsupported, "no video");
  const auto* structure = gst_caps_get_structure(&caps, 0);
  const auto codec = codec_of_caps_name(gst_structure_get_name(structure));
  if (!codec) return fail(Errc::unsupported, "neither H.264 nor H.265");
  VideoFormat format;
  format.codec = *codec;
  const char* framing = gst_structure_get_string(structure, "stream-format");
  if (framing == nullptr)
    return fail(Errc::unsupported, "the caps name no stream-format; put a parser in front");
  if (std::string_view(framing) == "byte-stream") return format;
  const GValue* value = gst_structure_get_value(structure, "codec_data");
  GstBuffer* data = value != nullptr && GST_VALUE_HOLDS_BUFFER(value) ? gst_value_get_buffer(value) : nullptr;
  if (data == nullptr) return fail(Errc::malformed, "the caps hold no codec_data");
  const MappedBuffer mapped(data);
  const auto at = *codec == codec::Codec::h264 ? kAvcLengthByte : kHevcLengthByte;
  if (mapped.size() <= at) return fail(Errc::malformed, "codec_data is cut short");
  format.length_size = static_cast<std::uint8_t>((mapped.data()[at] & 3) + 1);
  for (const auto set : codec::parameter_sets_of(*codec, {mapped.data(), mapped.size()})) {
    const auto kind = codec::classify(*codec, set).kind;
    if (kind == codec::UnitKind::parameter_set || kind == codec::UnitKind::sei)
      format.header_units.push_back(to_bytes(set));
  }
  return format;
}

Status split(BytesView buffer, const VideoFormat& format, std::vector<PlacedUnit>& out) {
  out.clear();
  if (format.length_size == 0) {
    codec::AnnexBReader reader(buffer);
    std::size_t end = 0;  // of the unit before
    while (const auto found = reader.next()) {
      if (out.size() == kMaxUnits) return fail(Errc::limit, "a picture of more than 100,000 units");
      auto begin = found->offset - 3;
      if (begin > end && buffer[begin - 1] == 0) --begin;  // zero_byte
      out.push_back({found->bytes, begin});
      end = found->offset + found->bytes.size();
    }
    return ok();
  }
  ByteReader in(buffer);
  while (!in.at_end()) {
    if (out.size() == kMaxUnits) return fail(Errc::limit, "a picture of more than 100,000 units");
    const auto begin = in.position();
    std::size_t size = 0;
    for (std::uint8_t i = 0; i < format.length_size; ++i) {
      CAM_TRY(const auto byte, in.u8());
      size = size << 8 | byte;
    }
    CAM_TRY(const auto bytes, in.take(size));
    if (size > 0) out.push_back({bytes, begin});
  }
  return ok();
}

Result<Bytes> framed(BytesView unit, const VideoFormat& format) {
  ByteWriter out;
  if (format.length_size == 0) {
    out.u32(1);
  } else {
    const auto bits = std::size_t{format.length_size} * 8;
    if (bits < 64 && unit.size() >> bits != 0)
      return fail(Errc::limit, "the unit is too long for its length field");
    for (auto shift = bits; shift > 0; shift -= 8)
      out.u8(static_cast<std::uint8_t>(unit.size() >> (shift - 8) & 0xff));
  }
  out.raw(unit);
  return out.take();
}

}  // namespace camvault::gst_support

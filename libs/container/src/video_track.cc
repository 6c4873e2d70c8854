#include "video_track.h"

#include "camvault/codec/annex_b.h"
#include "camvault/codec/decoder_configuration.h"
#include "camvault/codec/obu.h"

extern "C" {
#include <libavcodec/codec_id.h>
}

namespace camvault::container {

namespace {

// Tags are stored with the first letter in the lowest byte.
constexpr std::uint32_t tag(const char (&name)[5]) {
  return static_cast<std::uint32_t>(name[0]) | static_cast<std::uint32_t>(name[1]) << 8 |
         static_cast<std::uint32_t>(name[2]) << 16 | static_cast<std::uint32_t>(name[3]) << 24;
}

}  // namespace

std::uint32_t av_codec_id(codec::Codec codec) {
  switch (codec) {
    case codec::Codec::h264:
      return AV_CODEC_ID_H264;
    case codec::Codec::h265:
      return AV_CODEC_ID_HEVC;
    case codec::Codec::av1:
      return AV_CODEC_ID_AV1;
  }
  return AV_CODEC_ID_NONE;
}

bool is_pcm(const Track& track) {
  return track.codec_id >= AV_CODEC_ID_FIRST_AUDIO && track.codec_id < AV_CODEC_ID_ADPCM_IMA_QT;
}

std::optional<codec::Codec> codec_of(const Track& track) {
  if (track.codec_id == AV_CODEC_ID_H264) return codec::Codec::h264;
  if (track.codec_id == AV_CODEC_ID_HEVC) return codec::Codec::h265;
  if (track.codec_id == AV_CODEC_ID_AV1) return codec::Codec::av1;
  return std::nullopt;
}

Result<Track> make_video_track(codec::Codec codec, const ParameterSets& sets, std::uint32_t timescale) {
  if (timescale == 0 || timescale > 1'000'000'000) return fail(Errc::usage, "timescale");
  Track track;
  CAM_TRY(track.config, sets.decoder_configuration());
  CAM_TRY(const auto format, read_sps(codec, sets.sps().front()));
  track.kind = TrackKind::video;
  track.codec_id = av_codec_id(codec);
  track.codec_tag = codec == codec::Codec::h264 ? tag("avc1") : tag("hvc1");
  track.width = static_cast<std::int32_t>(format.width);
  track.height = static_cast<std::int32_t>(format.height);
  track.time_base_num = 1;
  track.time_base_den = static_cast<std::int32_t>(timescale);
  track.disposition = 1;  // AV_DISPOSITION_DEFAULT
  return track;
}

std::uint32_t player_tag(codec::Codec codec, std::uint32_t source_tag) {
  if (codec == codec::Codec::av1) return tag("av01");
  if (codec == codec::Codec::h264) return source_tag == tag("avc3") ? source_tag : tag("avc1");
  return source_tag == tag("hev1") ? source_tag : tag("hvc1");
}

std::vector<BytesView> units_of_configuration(codec::Codec codec, BytesView config) {
  if (!config.empty() && config[0] != 0) return codec::parameter_sets_of(codec, config);
  std::vector<BytesView> units;
  codec::AnnexBReader reader(config);
  while (const auto found = reader.next()) units.push_back(found->bytes);
  return units;
}

Status append_sample(Bytes& out, codec::Codec codec, std::span<const BytesView> units) {
  if (codec != codec::Codec::av1) return append_with_lengths(out, units);
  // AV1 in ISOBMFF 2.4, AV1 in Matroska: no temporal delimiters; each OBU says its size.
  for (const auto unit : units) {
    CAM_TRY(const auto header, codec::read_obu_header(unit));
    if (header.type == codec::ObuType::temporal_delimiter) continue;
    if (!header.has_size && &unit != &units.back())
      return fail(Errc::unsupported, "an OBU without its size in the middle of a picture");
    append(out, unit);
  }
  return ok();
}

Status append_with_lengths(Bytes& out, std::span<const BytesView> units) {
  for (const auto unit : units) {
    if (unit.size() > UINT32_MAX) return fail(Errc::limit, "unit longer than 4 GB");
    const auto size = static_cast<std::uint32_t>(unit.size());
    const std::uint8_t length[4] = {static_cast<std::uint8_t>(size >> 24),
                                    static_cast<std::uint8_t>(size >> 16),
                                    static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
    append(out, length);
    append(out, unit);
  }
  return ok();
}

void append_with_start_code(Bytes& out, BytesView unit) {
  constexpr std::uint8_t kStartCode[] = {0, 0, 0, 1};
  append(out, kStartCode);
  append(out, unit);
}

}  // namespace camvault::container

// A track and its packets as plain values: they cross the border between the sandboxed reader and us as
// bytes. Codec numbers are libavcodec's AVCodecID; both sides are the same program.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/base/bytes.h"
#include "camvault/base/time.h"

namespace camvault::container {

enum class TrackKind : std::uint8_t { video, audio, subtitle, other };

struct Track {
  TrackKind kind = TrackKind::other;
  std::uint32_t codec_id = 0;
  std::uint32_t codec_tag = 0;  // fourcc in the source container
  std::int32_t sample_format = -1;
  std::int64_t bit_rate = 0;
  std::int32_t bits_per_coded_sample = 0;
  std::int32_t bits_per_raw_sample = 0;
  std::int32_t profile = -99;  // FF_PROFILE_UNKNOWN
  std::int32_t level = -99;
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::int32_t aspect_num = 0;
  std::int32_t aspect_den = 1;
  std::int32_t sample_rate = 0;
  std::int32_t channels = 0;
  std::uint64_t channel_mask = 0;
  std::int32_t block_align = 0;
  std::int32_t frame_size = 0;
  std::int32_t initial_padding = 0;
  std::int32_t trailing_padding = 0;
  std::int32_t seek_preroll = 0;
  std::int32_t time_base_num = 1;  // seconds per tick = num / den
  std::int32_t time_base_den = 1;
  std::int32_t frame_rate_num = 0;
  std::int32_t frame_rate_den = 1;
  std::int32_t disposition = 0;
  std::string language;
  std::string name;                                     // of the codec, for people: "aac", "mett", ...
  Bytes config;                                         // extradata: avcC, AudioSpecificConfig, ...
  std::optional<std::array<std::int32_t, 9>> rotation;  // display matrix
};

constexpr std::size_t kMaxTracks = 32;
constexpr std::size_t kMaxConfigSize = 1 << 20;

void write_track(ByteWriter& out, const Track& track);
Result<Track> read_track(ByteReader& in);  // checks ranges: the writer is not trusted

// For people: "audio (aac)", "metadata (mett)". Printable ASCII, whatever the file says.
std::string description_of(const Track& track);

// A sample of a track. `data` is a view that belongs to the source.
struct Packet {
  static constexpr std::int64_t kNoTime = INT64_MIN;
  std::uint32_t track = 0;
  std::int64_t pts = kNoTime;
  std::int64_t dts = kNoTime;
  std::int64_t duration = 0;
  std::uint64_t offset = 0;
  bool keyframe = false;
  bool corrupt = false;     // the container says that bytes are missing
  bool new_config = false;  // the decoder configuration changes here
  BytesView data;
};

// Clamped far outside of any real time.
Ticks ticks_of(std::int64_t value, const Track& track);

}  // namespace camvault::container

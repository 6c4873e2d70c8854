#include "track.h"

#include <algorithm>
#include <type_traits>

namespace camvault::container {

namespace {

// One list of fields for both directions, so that they cannot differ.
template <class T, class Visit>
void visit_numbers(T& track, Visit&& visit) {
  visit(track.codec_id);
  visit(track.codec_tag);
  visit(track.sample_format);
  visit(track.bit_rate);
  visit(track.bits_per_coded_sample);
  visit(track.bits_per_raw_sample);
  visit(track.profile);
  visit(track.level);
  visit(track.width);
  visit(track.height);
  visit(track.aspect_num);
  visit(track.aspect_den);
  visit(track.sample_rate);
  visit(track.channels);
  visit(track.channel_mask);
  visit(track.block_align);
  visit(track.frame_size);
  visit(track.initial_padding);
  visit(track.trailing_padding);
  visit(track.seek_preroll);
  visit(track.time_base_num);
  visit(track.time_base_den);
  visit(track.frame_rate_num);
  visit(track.frame_rate_den);
  visit(track.disposition);
}

void write_bytes(ByteWriter& out, BytesView bytes) {
  out.u32(static_cast<std::uint32_t>(bytes.size()));
  out.raw(bytes);
}

Result<BytesView> read_bytes(ByteReader& in, std::size_t limit) {
  CAM_TRY(const auto size, in.u32());
  if (size > limit) return fail(Errc::limit, "track field too long");
  return in.take(size);
}

constexpr std::size_t kMaxName = 64;
constexpr std::int32_t kMaxSide = 16'888;

Status check(const Track& track) {
  const bool ok_times = track.time_base_num > 0 && track.time_base_den > 0;
  const bool ok_picture =
      track.width >= 0 && track.height >= 0 && track.width <= kMaxSide && track.height <= kMaxSide;
  const bool ok_sound = track.sample_rate >= 0 && track.sample_rate <= 768'000 && track.channels >= 0 &&
                        track.channels <= 64 && track.block_align >= 0 && track.frame_size >= 0 &&
                        track.frame_size <= 1 << 20;
  if (!ok_times || !ok_picture || !ok_sound) return fail(Errc::malformed, "track with impossible properties");
  return ok();
}

}  // namespace

void write_track(ByteWriter& out, const Track& track) {
  out.u8(static_cast<std::uint8_t>(track.kind));
  visit_numbers(track, [&](const auto& number) {
    using Number = std::remove_cvref_t<decltype(number)>;
    if constexpr (sizeof(Number) == 8) {
      out.u64(static_cast<std::uint64_t>(number));
    } else {
      out.u32(static_cast<std::uint32_t>(number));
    }
  });
  write_bytes(out, as_bytes(track.language));
  write_bytes(out, as_bytes(track.name));
  write_bytes(out, track.config);
  out.u8(track.rotation ? 1 : 0);
  if (track.rotation) {
    for (const auto value : *track.rotation) out.u32(static_cast<std::uint32_t>(value));
  }
}

Result<Track> read_track(ByteReader& in) {
  Track track;
  CAM_TRY(const auto kind, in.u8());
  if (kind > static_cast<std::uint8_t>(TrackKind::other)) return fail(Errc::malformed, "track kind");
  track.kind = static_cast<TrackKind>(kind);
  Status status = ok();
  visit_numbers(track, [&](auto& number) {
    using Number = std::remove_cvref_t<decltype(number)>;
    if (!status) return;
    if constexpr (sizeof(Number) == 8) {
      const auto value = in.u64();
      if (value)
        number = static_cast<Number>(*value);
      else
        status = tl::unexpected(value.error());
    } else {
      const auto value = in.u32();
      if (value)
        number = static_cast<Number>(*value);
      else
        status = tl::unexpected(value.error());
    }
  });
  CAM_TRY_STATUS(std::move(status));
  CAM_TRY(const auto language, read_bytes(in, kMaxName));
  CAM_TRY(const auto name, read_bytes(in, kMaxName));
  CAM_TRY(const auto config, read_bytes(in, kMaxConfigSize));
  track.language = as_text(language);
  track.name = as_text(name);
  track.config = to_bytes(config);
  CAM_TRY(const auto rotated, in.u8());
  if (rotated > 1) return fail(Errc::malformed, "track rotation");
  if (rotated == 1) {
    track.rotation.emplace();
    for (auto& value : *track.rotation) {
      CAM_TRY(const auto number, in.u32());
      value = static_cast<std::int32_t>(number);
    }
  }
  CAM_TRY_STATUS(check(track));
  return track;
}

std::string description_of(const Track& track) {
  const char* kind = track.kind == TrackKind::video      ? "video"
                     : track.kind == TrackKind::audio    ? "audio"
                     : track.kind == TrackKind::subtitle ? "subtitle"
                                                         : "metadata";
  std::string name;
  for (const char c : track.name) name += c >= ' ' && c < 127 ? c : '?';
  return std::string(kind) + " (" + name + ")";
}

Ticks ticks_of(std::int64_t value, const Track& track) {
  const auto ticks =
      static_cast<long double>(value) * track.time_base_num * Ticks::period::den / track.time_base_den;
  constexpr long double kLimit = 9e18L;
  return Ticks(static_cast<std::int64_t>(std::clamp(ticks, -kLimit, kLimit)));
}

}  // namespace camvault::container

#include "mp4_boxes.h"

namespace camvault::container {

Result<Box> next_box(ByteReader& in) {
  const auto before = in.position();
  auto probe = in;
  CAM_TRY(const std::uint64_t size32, in.u32());
  CAM_TRY(const auto type, in.u32());
  std::uint64_t size = size32;
  if (size32 == 1) {
    CAM_TRY(size, in.u64());
  } else if (size32 == 0) {
    size = in.position() - before + in.remaining();
  }
  const auto header = in.position() - before;
  if (size < header || size - header > in.remaining())
    return fail(Errc::malformed, "box longer than what it stands in");
  Box box;
  box.type = type;
  CAM_TRY(box.whole, probe.take(static_cast<std::size_t>(size)));
  CAM_TRY(box.body, in.take(static_cast<std::size_t>(size) - header));
  return box;
}

Result<std::vector<Box>> boxes_in(BytesView bytes) {
  std::vector<Box> boxes;
  ByteReader in(bytes);
  while (!in.at_end()) {
    CAM_TRY(const auto box, next_box(in));
    boxes.push_back(box);
  }
  return boxes;
}

std::optional<Box> find_box(BytesView bytes, std::uint32_t type) {
  ByteReader in(bytes);
  while (!in.at_end()) {
    const auto box = next_box(in);
    if (!box) return std::nullopt;
    if (box->type == type) return *box;
  }
  return std::nullopt;
}

Result<TrackDefaults> read_trex(BytesView body) {
  ByteReader in(body);
  TrackDefaults defaults;
  CAM_TRY_STATUS(in.skip(4));
  CAM_TRY(defaults.track_id, in.u32());
  CAM_TRY_STATUS(in.skip(4));
  CAM_TRY(defaults.duration, in.u32());
  CAM_TRY(defaults.size, in.u32());
  CAM_TRY(defaults.flags, in.u32());
  return defaults;
}

namespace detail {

Result<std::optional<TrackFragment>> read_traf(BytesView traf, std::uint64_t moof_offset,
                                               const TrackDefaults& defaults) {
  TrackFragment fragment{defaults, moof_offset, 0};
  const auto header = find_box(traf, fourcc("tfhd"));
  if (!header) return fail(Errc::malformed, "track fragment without header");
  ByteReader in(header->body);
  CAM_TRY(const auto flags, in.u32());
  CAM_TRY(const auto id, in.u32());
  if (id != defaults.track_id) return std::optional<TrackFragment>();
  if ((flags & 0x01) != 0) {
    CAM_TRY(fragment.base_offset, in.u64());
  }
  if ((flags & 0x02) != 0) CAM_TRY_STATUS(in.skip(4));  // sample_description_index: always 1 in our files
  if ((flags & 0x08) != 0) {
    CAM_TRY(fragment.defaults.duration, in.u32());
  }
  if ((flags & 0x10) != 0) {
    CAM_TRY(fragment.defaults.size, in.u32());
  }
  if ((flags & 0x20) != 0) {
    CAM_TRY(fragment.defaults.flags, in.u32());
  }
  const auto time = find_box(traf, fourcc("tfdt"));
  if (!time) return fail(Errc::malformed, "track fragment without decode time");
  ByteReader time_in(time->body);
  CAM_TRY(const auto version, time_in.u32());
  if (version >> 24 == 1) {
    CAM_TRY(fragment.base_time, time_in.u64());
  } else {
    CAM_TRY(fragment.base_time, time_in.u32());
  }
  return std::optional<TrackFragment>(fragment);
}

Result<RunHeader> read_run_header(ByteReader& in) {
  RunHeader run;
  CAM_TRY(const auto word, in.u32());
  run.version = static_cast<std::uint8_t>(word >> 24);
  run.flags = word & 0xffffff;
  CAM_TRY(run.count, in.u32());
  if ((run.flags & 0x01) != 0) {
    CAM_TRY(const auto offset, in.u32());
    run.data_offset = static_cast<std::int32_t>(offset);
  }
  if ((run.flags & 0x04) != 0) {
    CAM_TRY(run.first_flags, in.u32());
  }
  return run;
}

Result<FragmentSample> read_run_sample(ByteReader& in, const RunHeader& run, const TrackDefaults& defaults,
                                       bool first) {
  FragmentSample sample;
  sample.duration = defaults.duration;
  sample.size = defaults.size;
  auto flags = defaults.flags;
  if ((run.flags & 0x100) != 0) {
    CAM_TRY(sample.duration, in.u32());
  }
  if ((run.flags & 0x200) != 0) {
    CAM_TRY(sample.size, in.u32());
  }
  if ((run.flags & 0x400) != 0) {
    CAM_TRY(flags, in.u32());
  }
  if (first && run.first_flags) flags = *run.first_flags;
  if ((run.flags & 0x800) != 0) {
    CAM_TRY(const auto offset, in.u32());
    sample.composition_offset =
        run.version == 0 ? std::int64_t{offset} : std::int64_t{static_cast<std::int32_t>(offset)};
  }
  constexpr std::uint32_t kNonSync = 0x10000;  // sample_is_non_sync_sample
  sample.sync = (flags & kNonSync) == 0;
  return sample;
}

}  // namespace detail

}  // namespace camvault::container

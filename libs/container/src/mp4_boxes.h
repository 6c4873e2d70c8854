// Boxes of our own fragmented files, for indexing them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "camvault/base/byte_reader.h"

namespace camvault::container {

constexpr std::uint32_t fourcc(const char (&name)[5]) {
  return static_cast<std::uint32_t>(static_cast<unsigned char>(name[0])) << 24 |
         static_cast<std::uint32_t>(static_cast<unsigned char>(name[1])) << 16 |
         static_cast<std::uint32_t>(static_cast<unsigned char>(name[2])) << 8 |
         static_cast<std::uint32_t>(static_cast<unsigned char>(name[3]));
}

struct Box {
  std::uint32_t type = 0;
  BytesView whole;  // with its header
  BytesView body;
};

Result<Box> next_box(ByteReader& in);
Result<std::vector<Box>> boxes_in(BytesView bytes);
// The first child of this type.
std::optional<Box> find_box(BytesView bytes, std::uint32_t type);

struct FragmentSample {
  std::uint64_t dts = 0;
  std::uint32_t duration = 0;
  std::int64_t composition_offset = 0;
  std::uint32_t size = 0;
  bool sync = false;
  std::uint64_t offset = 0;   // in the file
  bool first_of_run = false;  // a new chunk begins
};

struct TrackDefaults {  // trex, ISO/IEC 14496-12 8.8.3
  std::uint32_t track_id = 0;
  std::uint32_t duration = 0;
  std::uint32_t size = 0;
  std::uint32_t flags = 0;
};
Result<TrackDefaults> read_trex(BytesView body);

// Calls `use` for every sample of one track in one moof (8.8.4 to 8.8.8).
template <class Use>
Status walk_moof(BytesView moof_body, std::uint64_t moof_offset, const TrackDefaults& defaults, Use&& use);

namespace detail {
struct TrackFragment {
  TrackDefaults defaults;
  std::uint64_t base_offset = 0;
  std::uint64_t base_time = 0;
};
Result<std::optional<TrackFragment>> read_traf(BytesView traf, std::uint64_t moof_offset,
                                               const TrackDefaults& defaults);

struct RunHeader {
  std::uint32_t flags = 0;
  std::uint8_t version = 0;
  std::uint32_t count = 0;
  std::int32_t data_offset = 0;
  std::optional<std::uint32_t> first_flags;
};
Result<RunHeader> read_run_header(ByteReader& in);
Result<FragmentSample> read_run_sample(ByteReader& in, const RunHeader& run, const TrackDefaults& defaults,
                                       bool first);
}  // namespace detail

template <class Use>
Status walk_moof(BytesView moof_body, std::uint64_t moof_offset, const TrackDefaults& defaults, Use&& use) {
  ByteReader boxes(moof_body);
  while (!boxes.at_end()) {
    CAM_TRY(const auto box, next_box(boxes));
    if (box.type != fourcc("traf")) continue;
    CAM_TRY(const auto fragment, detail::read_traf(box.body, moof_offset, defaults));
    if (!fragment) continue;
    auto time = fragment->base_time;
    ByteReader children(box.body);
    while (!children.at_end()) {
      CAM_TRY(const auto child, next_box(children));
      if (child.type != fourcc("trun")) continue;
      ByteReader in(child.body);
      CAM_TRY(const auto run, detail::read_run_header(in));
      auto offset =
          fragment->base_offset + static_cast<std::uint64_t>(static_cast<std::int64_t>(run.data_offset));
      for (std::uint32_t i = 0; i < run.count; ++i) {
        CAM_TRY(auto sample, detail::read_run_sample(in, run, fragment->defaults, i == 0));
        sample.dts = time;
        sample.offset = offset;
        sample.first_of_run = i == 0;
        time += sample.duration;
        offset += sample.size;
        CAM_TRY_STATUS(use(sample));
      }
    }
  }
  return ok();
}

}  // namespace camvault::container

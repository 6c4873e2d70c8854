// In which order the pictures of a raw stream are shown: it has no times, but each slice says its place
// (picture order count, ITU-T H.264 8.2.1.1, H.265 8.3.1).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <span>
#include <vector>

#include "parameter_sets.h"

namespace camvault::container {

// Reads the order counts from access units in decoding order. What it cannot read (fields, order types 1 and
// 2, damage) is taken to be shown in decoding order.
class OrderCounts {
 public:
  explicit OrderCounts(codec::Codec codec) : codec_(codec) {}

  struct Count {
    std::int64_t value = 0;
    bool restart = false;  // counting begins anew: everything before is shown before
  };
  Count next(std::span<const BytesView> access_unit);

 private:
  Result<Count> read_avc_slice(BytesView unit, std::uint8_t type);
  Result<Count> read_hevc_slice(BytesView unit, std::uint8_t type);
  std::int64_t with_high_part(std::uint32_t low);
  void remember(std::uint32_t low, std::int64_t value);

  codec::Codec codec_;
  std::optional<SequenceFormat> format_;
  std::uint32_t extra_header_bits_ = 0;  // H.265: num_extra_slice_header_bits
  bool output_flag_ = false;             // H.265: output_flag_present_flag
  std::int64_t previous_high_ = 0;
  std::uint32_t previous_low_ = 0;
  std::int64_t last_value_ = 0;
};

// Turns order counts into places in display order, at most kMaxReorder pictures late.
class DisplayOrder {
 public:
  // H.264 A.3.1, H.265 A.4.2: no stream reorders over more pictures than its buffer holds.
  static constexpr std::size_t kMaxReorder = 16;

  void push(const OrderCounts::Count& count);
  void finish();
  // The place of the next picture in decoding order, from 0, once it is certain.
  std::optional<std::int64_t> pop();

 private:
  void show(std::size_t leave);

  struct Waiting {
    std::int64_t value;
    std::uint64_t picture;
    bool operator>(const Waiting& other) const {
      return value != other.value ? value > other.value : picture > other.picture;
    }
  };
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
  std::deque<std::optional<std::int64_t>> places_;  // of pictures from `first_` on
  std::uint64_t first_ = 0;
  std::uint64_t pushed_ = 0;
  std::int64_t shown_ = 0;
};

}  // namespace camvault::container

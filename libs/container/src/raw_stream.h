// Access units of a raw stream in mapped memory.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "camvault/codec/annex_b.h"
#include "camvault/codec/unit.h"

namespace camvault::container {

// Whether the file begins like a raw stream: with a start code.
bool looks_like_raw_stream(BytesView file);

class AccessUnitReader {
 public:
  AccessUnitReader(codec::Codec codec, BytesView file) : codec_(codec), reader_(file) {}

  struct Found {
    std::span<const BytesView> units;  // until the next call
    std::size_t offset = 0;
    bool keyframe = false;
  };
  // Nothing at the end. Units behind the last picture belong to it. More than kMaxUnits in one access unit
  // are cut into several.
  std::optional<Found> next();

  static constexpr std::size_t kMaxUnits = 100'000;

 private:
  codec::Codec codec_;
  codec::AnnexBReader reader_;
  using Unit = codec::AnnexBReader::Found;
  std::optional<Unit> take();
  bool slice_is_ahead();

  std::vector<Unit> ahead_;  // read, but of the next access unit
  std::size_t ahead_used_ = 0;
  std::vector<BytesView> units_;
};

// Whether a unit of this kind begins a new access unit when the current one has a slice.
bool begins_access_unit(codec::Codec codec, const codec::UnitInfo& info);

}  // namespace camvault::container

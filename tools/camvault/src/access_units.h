// Units in, pictures out: groups the units of a source into access units (ITU-T H.264 7.4.1.2.3,
// H.265 7.4.2.4.4).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "camvault/codec/clip.h"

namespace camvault::cli {

struct AccessUnitView {
  std::span<const codec::Unit> units;  // live until the next call
  std::optional<Timestamp> time;       // in the container, since its beginning
  bool keyframe = false;
  bool last = false;  // of the stream
};

class AccessUnitReader {
 public:
  // `source` must outlive the reader.
  explicit AccessUnitReader(codec::UnitSource& source) : source_(source) {}

  // Nothing at the end. An error of the source comes after the whole access units before it.
  Result<std::optional<AccessUnitView>> next();

  // A picture never has more units than this, in any level of either codec; more is an attack on memory.
  static constexpr std::size_t kMaxUnits = 200'000;

 private:
  bool starts_new(const codec::Unit& unit, const codec::UnitInfo& info) const;
  void keep_pending();
  AccessUnitView take(bool last);

  codec::UnitSource& source_;
  std::span<const codec::Unit> run_;
  std::size_t position_ = 0;
  bool ended_ = false;
  std::vector<codec::Unit> pending_;
  std::vector<Bytes> pending_bytes_;  // of pending units whose run is gone
  std::size_t kept_ = 0;              // how many of pending_ stand in pending_bytes_
  bool pending_slices_ = false;
  bool pending_key_ = false;
  std::vector<codec::Unit> given_;
  std::vector<Bytes> given_bytes_;
};

}  // namespace camvault::cli

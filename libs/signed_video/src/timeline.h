// Collects what became of each unit, in the order of the clip, into pictures, GOPs and findings.
#pragma once

#include <vector>

#include "camvault/signed_video/report.h"
#include "camvault/signed_video/verifier.h"

namespace camvault::signed_video {

// One unit, or one signed place that has no unit.
struct UnitResult {
  UnitStatus status = UnitStatus::not_covered;
  bool picture_data = true;  // a slice; false: an unsigned SEI that the signature covers
  bool first_slice = false;
  std::uint32_t picture = 0;       // index in the clip with missing pictures counted
  std::uint32_t clip_picture = 0;  // index among the pictures that are there
  std::uint32_t gop = 0;
  std::uint64_t offset = 0;
  std::optional<Timestamp> time;
  bool container_time = false;
};

struct SegmentSummary {
  std::uint32_t gop = 0;
  SignatureStatus signature = SignatureStatus::none;
  bool linked = false;
  std::uint64_t sei = 0;
  bool named = false;         // GopBinding
  bool names_before = false;  // the segment before
  std::optional<Timestamp> start;
  std::optional<Timestamp> end;
};

class Timeline {
 public:
  void add(const UnitResult& unit);
  // Says by whom the units of this GOP that follow are covered. Called before they are added.
  void begin_segment(const SegmentSummary& segment);
  // A GOP that is gone as a whole.
  void add_missing_gop(const SegmentSummary& segment);

  // The next unit does not belong to the picture of the last one.
  void end_picture() { close_picture(); }

  // `live` must outlive the timeline.
  void watch(const LiveOptions& live) { live_ = &live; }

  void finish(Report& report);

 private:
  bool begins_gop(std::uint32_t index) const;
  GopReport& gop(std::uint32_t index);
  void close_picture();
  void tell_gops();
  void note_finding(const UnitResult& unit);

  Report collected_;
  bool picture_open_ = false;
  UnitResult picture_;            // the worst of its units
  bool picture_present_ = false;  // at least one of them is there
  const LiveOptions* live_ = nullptr;
  std::size_t told_ = 0;  // of collected_.gops: their listener knows them
};

// The worse of two, for pictures and GOPs.
UnitStatus worse(UnitStatus a, UnitStatus b);

}  // namespace camvault::signed_video

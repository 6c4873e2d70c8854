// Turns an SEI and the units that were found for it into what the report says about pictures.
#include <algorithm>

#include "coverage.h"

namespace camvault::signed_video {

bool Coverage::repeats_previous(const General& general) const {
  return previous_ && general.gop_hash == previous_->gop_hash && general.unit_count == previous_->unit_count;
}

bool Coverage::has_missing(const Located& located) {
  return std::any_of(located.steps.begin(), located.steps.end(),
                     [](const Step& s) { return s.status == UnitStatus::missing; });
}

// ONVIF's reference signer ends a stream with an SEI that repeats the GOP hash, count and times of the one
// before; its example recorder writes the last picture in place of the one before it, and once more. That is
// how its files end, not an edit.
bool Coverage::ends_twice(const Located& located) const {
  return at_end_ && located.end + 1 == pending_.size() && located.end > 0 &&
         pending_[located.end].hash.raw == pending_[located.end - 1].hash.raw;
}

void Coverage::commit_segment(GopSei& sei, Located located) {
  const auto& general = sei.general;
  Record record;
  record.sei = sei.id;
  record.waiting = std::move(sei.waiting);
  record.uncovered_is_tampering = false;

  SegmentSummary segment;
  segment.signature = sei.signature;
  segment.sei = sei.id;
  segment.named = sei.named;
  segment.names_before = sei.names_before;
  segment.linked = previous_ && previous_->first_entry && link_fits(sei);
  segment.start = general.start;
  segment.end = general.end;
  if (repeats_previous(general)) {
    segment.start = previous_->end;  // it repeats the times, too
    segment.end.reset();
    stale_end_ = ends_twice(located);
    if (has_missing(located) && stale_end_) {
      std::erase_if(located.steps, [](const Step& s) { return s.status == UnitStatus::missing; });
      note(NoteKind::last_gop_not_verifiable, current_gop(), 1,
           "the last SEI repeats the GOP hash of the one before it, and the last picture stands twice in "
           "place of another: the last "
           "GOP cannot be verified as a whole");
    }
  }
  const bool next_in_line =
      previous_ && previous_->placed && previous_->gop && lost_ == 0 && unplaced_.empty();
  const auto first_unit = std::find_if(located.steps.begin(), located.steps.end(),
                                       [](const Step& s) { return s.status == UnitStatus::authentic; });
  const auto& witness = pending_[first_unit->unit];
  segment.gop = next_in_line ? *previous_->gop + (previous_->partial ? 0 : 1) : gop_of(witness);
  gop_shift_ = std::int64_t{segment.gop} - witness.clip_gop;

  // Places of unsigned SEIs that are gone are no pictures.
  auto lost_seis = lost_;
  const auto slices = typical_slices();
  std::int64_t slice = -1;  // of the running picture; -1: none yet
  bool uncovered_picture = false;
  std::optional<Ticks> first_container_time;
  auto last_time = general.start;
  for (const auto& step : located.steps) {
    UnitResult result;
    if (step.unit == kNoUnit) {
      result.status = step.status;
      result.gop = segment.gop;
      result.time = last_time;
      if (lost_seis > 0) {
        --lost_seis;
        result.picture_data = false;
      } else if (slice < 0 || slice + 1 >= std::int64_t{slices}) {
        slice = 0;
        ++picture_shift_;
        ++last_picture_;
      } else {
        ++slice;
      }
      result.picture = static_cast<std::uint32_t>(std::max<std::int64_t>(0, last_picture_));
      result.clip_picture =
          static_cast<std::uint32_t>(std::max<std::int64_t>(0, last_picture_ - picture_shift_ + 1));
      record.units.push_back(result);
      continue;
    }
    const auto& unit = pending_[step.unit];
    if (unit.hash.sei) {
      record.seis.emplace_back(unit.sei, step.status);
    } else if (unit.picture_data) {
      // A changed header can hide that a picture begins.
      const bool should_begin = slices == 1 || slice < 0;
      if (step.status == UnitStatus::altered && should_begin && !unit.first_slice) ++picture_shift_;
      // A unit of a type that is not hashed belongs to a picture of its own kind, or stands where a slice is
      // missing: that one is counted.
      const bool uncovered = step.status == UnitStatus::not_covered;
      uncovered_picture = uncovered && (unit.first_slice || uncovered_picture);
      if (!uncovered || uncovered_picture) slice = unit.first_slice || should_begin ? 0 : slice + 1;
    }
    result = result_of(unit, step.status);
    result.gop = segment.gop;
    if (unit.container_time) {
      if (!first_container_time) first_container_time = unit.container_time;
      const auto into = *unit.container_time - *first_container_time;
      // A container that claims days inside one GOP is not believed.
      if (general.start && *general.start < kLatestTime && into < std::chrono::hours(24) &&
          into > -std::chrono::hours(24)) {
        result.time = *general.start + into;
        result.container_time = false;
      }
    } else {
      result.time = general.start;
    }
    last_time = result.time;
    last_picture_ = std::max<std::int64_t>(last_picture_, result.picture);
    record.units.push_back(result);
  }
  if (first_container_time && !repeats_previous(general))
    check_clock(general, *first_container_time, segment.gop);
  record.segment = segment;
  if (located.beginning_missing) {
    note(NoteKind::beginning_missing, segment.gop, 1,
         "the clip begins inside a GOP: pictures before it are not here");
  }

  Previous previous;
  previous.counter = general.counter;
  previous.partial = general.partial;
  previous.placed = true;
  previous.first_entry = located.first_entry;
  previous.anchor = located.anchor;
  previous.closing = sei.closing;
  previous.signature_valid = sei.signature == SignatureStatus::valid;
  previous.end = general.end;
  previous.gop = segment.gop;
  previous.gop_hash = general.gop_hash;
  previous.unit_count = general.unit_count;
  previous_ = placed_ = std::move(previous);
  if (general.start && general.end && *general.end > *general.start) {
    const auto length = *general.end - *general.start;
    shortest_segment_ = longest_segment_ == Ticks::zero() ? length : std::min(shortest_segment_, length);
    longest_segment_ = std::max(longest_segment_, length);
  }
  largest_segment_ = std::max(largest_segment_, static_cast<std::uint32_t>(located.steps.size()));
  lost_ = 0;
  flushed_gops_ = 0;
  piece_begins_ = false;
  record.ends_picture = located.end < pending_.size() && pending_[located.end].first_slice;
  drop_front(located.end);
  ledger_.push(std::move(record));
}

UnitResult Coverage::result_of(const PendingUnit& unit, UnitStatus status) const {
  UnitResult result;
  result.status = status;
  result.picture_data = unit.picture_data;
  result.first_slice = unit.first_slice;
  result.picture = static_cast<std::uint32_t>(std::max<std::int64_t>(0, unit.clip_picture + picture_shift_));
  result.clip_picture = unit.clip_picture;
  result.gop = gop_of(unit);
  result.offset = unit.offset;
  if (unit.container_time) {
    result.time = Timestamp(*unit.container_time);
    result.container_time = true;
  }
  return result;
}

}  // namespace camvault::signed_video

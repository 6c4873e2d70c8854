// Does an SEI follow the one before it, or does another recording begin?
#include <algorithm>

#include "coverage.h"

namespace camvault::signed_video {

void Coverage::begin_piece(std::string why) {
  note(NoteKind::joined, current_gop(), 1, std::move(why));
  ledger_.outcome().tampered = true;
  forget_piece();
}

void Coverage::forget_piece() {
  joined_ = true;
  previous_.reset();
  placed_.reset();
  early_.clear();
  lost_ = 0;
  piece_begins_ = true;
  clock_.reset();
}

// The first SEI of a recording has no link (5.4). Another first one, later by the camera's clock: it began
// anew. Whether the recording before it was whole is another question; only a supplement answers it.
bool Coverage::restarts(const GopSei& sei) {
  const auto& link = sei.general.linked_hash;
  const auto zero =
      std::all_of(link.bytes.begin(), link.bytes.begin() + link.size, [](auto byte) { return byte == 0; });
  if (!zero || !sei.general.start || !previous_->end || *sei.general.start < *previous_->end) return false;
  if (previous_ended_) {
    note(NoteKind::restarted, oldest_gop(), 1,
         "the same camera ended its recording and began another one here; the time between is not recorded");
    ledger_.outcome().any_missing = true;
  } else {
    note(NoteKind::restarted, oldest_gop(), 1,
         "a new recording of the same camera begins here; nothing shows that the one before it is whole");
    ledger_.outcome().tampered = true;
  }
  forget_piece();
  joined_ = !previous_ended_;
  previous_ended_ = false;
  return true;
}

// Camera clock and container's clock run alike, or one of them was changed. Slow drift is none.
void Coverage::check_clock(const General& general, Ticks container_time, std::uint32_t gop) {
  if (!general.start || *general.start >= kLatestTime) return;
  constexpr Ticks kJump = std::chrono::seconds(1);
  constexpr Ticks kDrift = std::chrono::milliseconds(5);
  std::int64_t now = 0;
  if (__builtin_sub_overflow(general.start->time_since_epoch().count(), container_time.count(), &now)) return;
  if (!clock_ || lost_ > 0 || !unplaced_.empty()) {
    clock_ = Ticks(now);
    return;
  }
  std::int64_t apart = 0;
  if (__builtin_sub_overflow(now, clock_->count(), &apart)) return;
  if (apart > kJump.count() || apart < -kJump.count()) {
    note(NoteKind::clock_jump, gop, 1,
         "the signed times and the times in the container move against each other here by " +
             std::to_string(apart / 10'000) + " ms: the camera's clock was set, or times were changed");
    clock_ = Ticks(now);
    return;
  }
  *clock_ += Ticks(std::clamp(apart, -kDrift.count(), kDrift.count()));
}

// A gap in the counter can be a removed run of GOPs or the seam between two recordings. Times tell: the
// signed time that passed must be what the lost GOPs can last.
bool Coverage::plausible_gap(const GopSei& sei, std::uint32_t lost) const {
  const auto& start = sei.general.start;
  if (!previous_->end || !start) return true;
  const auto passed = *start - *previous_->end;
  if (passed < Ticks::zero()) return false;
  if (longest_segment_ == Ticks::zero()) return true;
  // In ms, with room for GOPs of other lengths than those seen so far.
  const auto ms = [](Ticks time) { return std::min<std::int64_t>(time.count() / 10'000, 3'600'000); };
  const auto at_least = std::int64_t{lost} * ms(shortest_segment_) / 4 - 1000;
  const auto at_most = (std::int64_t{lost} + 1) * ms(longest_segment_) * 4 + 1000;
  const auto passed_ms = passed.count() / 10'000;
  return passed_ms >= at_least && passed_ms <= at_most;
}

// An SEI that was set aside can have come too early: its GOP stands further back in the clip. Then the one
// that comes now follows the last one that was placed.
bool Coverage::came_early(const GopSei& sei) {
  if (previous_->placed || unplaced_.empty()) return false;
  if (placed_) {
    const auto step = sei.general.counter - placed_->counter;
    if (step == 0 || step > kHalfOfCounters) return false;
    if (step == 1 && placed_->first_entry && sei.general.format != Format::axis_legacy &&
        *placed_->first_entry != sei.general.linked_hash) {
      return false;
    }
  }
  note(NoteKind::out_of_order, current_gop(), unplaced_.size(),
       "GOPs stand in another order than they were recorded in");
  ledger_.outcome().tampered = true;
  for (const auto& unplaced : unplaced_) early_.push_back(unplaced.sei.general.counter);
  unplaced_.clear();
  previous_ = placed_;
  lost_ = 0;
  return true;
}

void Coverage::check_order(const GopSei& sei) {
  if (!previous_) return;
  const auto counter = sei.general.counter;
  if (restarts(sei)) return;
  const bool backwards = counter - previous_->counter - 1 >= kHalfOfCounters;
  if (backwards && previous_->placed && previous_->first_entry &&
      *previous_->first_entry == sei.general.linked_hash && sei.general.gop_hash != previous_->gop_hash) {
    // The link proves what the number denies: this GOP follows the one before.
    note(NoteKind::gop_number_repeated, oldest_gop(), 1,
         "the camera used the GOP number " + std::to_string(counter) +
             " again; the signed links show that nothing is missing here");
    return;
  }
  if (backwards && !came_early(sei)) {
    begin_piece("the GOP counter runs backwards here: another recording begins");
    return;
  }
  if (!previous_) return;
  const auto step = counter - previous_->counter;  // wraps with the counter
  if (step > 1 && !plausible_gap(sei, step - 1)) {
    begin_piece("the GOP counter and the signed times do not fit together here: two recordings were joined");
    return;
  }
  if (step == 1 && !link_fits(sei)) {
    begin_piece("the signed link to the GOP before does not fit: two recordings were joined");
    return;
  }
  if (step == 1 && previous_->end && sei.general.start) {
    constexpr Ticks kJump = std::chrono::seconds(1);
    const auto apart = *sei.general.start - *previous_->end;
    if (apart > kJump || apart < -kJump)
      note(NoteKind::clock_jump, oldest_gop(), 1,
           "the camera's clock was set here, by " + std::to_string(apart.count() / 10'000) + " ms");
  }
  const auto seen_early =
      std::erase_if(early_, [&](std::uint32_t c) { return c - previous_->counter < step; });
  lost_ += step - 1 - std::min<std::uint64_t>(step - 1, seen_early);
}

// Is the unit with that hash the one that a legacy SEI says comes next?
bool Coverage::closes(const Previous& previous, const crypto::Digest& next_unit) const {
  Hashable unit;
  unit.raw = next_unit;
  return entry_of(engine_, hash_, unit, *previous.anchor) == previous.closing;
}

// Does the SEI belong behind the one before it?
bool Coverage::link_fits(const GopSei& sei) const {
  if (!previous_ || !previous_->first_entry) return true;
  if (sei.general.format != Format::axis_legacy) return *previous_->first_entry == sei.general.linked_hash;
  // The units prove it themselves where there is no list: the unit behind a GOP was signed with it.
  if (previous_->closing.empty() || !previous_->anchor || !sei.list ||
      sei.list->size() < previous_->closing.size)
    return true;
  crypto::Digest first;
  first.size = previous_->closing.size;
  std::copy_n(sei.list->begin(), first.size, first.bytes.begin());
  return closes(*previous_, first);
}

}  // namespace camvault::signed_video

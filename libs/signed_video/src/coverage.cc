#include "coverage.h"

#include <algorithm>

namespace camvault::signed_video {

Coverage::Coverage(const crypto::Engine& engine, Timeline& timeline, std::vector<Note>& notes)
    : engine_(engine), ledger_(timeline), notes_(notes) {}

void Coverage::set_hash(crypto::HashAlg hash) {
  hash_ = hash;
}

void Coverage::replace_digests(const std::deque<crypto::Digest>& digests) {
  for (std::size_t i = 0; i < pending_.size() && i < digests.size(); ++i) {
    pending_[i].hash.raw = digests[i];
    if (!pending_[i].hash.anchors) continue;
    auto at = std::lower_bound(anchors_.begin(), anchors_.end(), pending_[i].clip_gop,
                               [](const auto& anchor, std::uint32_t gop) { return anchor.first < gop; });
    for (; at != anchors_.end() && at->first == pending_[i].clip_gop; ++at) at->second = digests[i];
  }
}

void Coverage::note(NoteKind kind, std::uint32_t gop, std::uint64_t count, std::string text) {
  if (notes_.size() < kMaxNotes) notes_.push_back({kind, gop, count, std::move(text)});
}

std::uint32_t Coverage::current_gop() const {
  return pending_.empty() ? 0 : gop_of(pending_.back());
}

std::uint32_t Coverage::oldest_gop() const {
  return pending_.empty() ? 0 : gop_of(pending_.front());
}

std::uint32_t Coverage::gop_of(const PendingUnit& unit) const {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, unit.clip_gop + gop_shift_));
}

std::uint32_t Coverage::typical_slices() const {
  const auto most = std::max_element(slices_seen_.begin(), slices_seen_.end());
  return *most == 0 ? 1 : static_cast<std::uint32_t>(most - slices_seen_.begin());
}

void Coverage::add_unit(PendingUnit unit) {
  anchor_seen_ = anchor_seen_ || unit.hash.anchors;
  unit.leads = !anchor_seen_;
  if (unit.hash.anchors) {
    if (deferred_ && deferred_for_ == Wait::units && !deferred_->proves) settle_deferred(Wait::sei, nullptr);
    anchors_.emplace_back(unit.clip_gop, unit.hash.raw);
  }
  if (unit.picture_data) {
    if (unit.first_slice) {
      if (slices_in_picture_ != 0 && slices_in_picture_ < slices_seen_.size())
        ++slices_seen_[slices_in_picture_];
      slices_in_picture_ = 0;
    }
    ++slices_in_picture_;
  }
  if (pending_.size() >= kMaxPending) {
    flushed_gops_ += pending_[kMaxPending / 2].clip_gop - pending_.front().clip_gop;
    settle_front(kMaxPending / 2, nullptr, 0);
  }
  const bool anchors = unit.hash.anchors;
  if (anchors) waiting_anchors_.push_back(unit.sequence);
  pending_.push_back(std::move(unit));
  // Such an SEI waits for exactly this unit.
  if (anchors && deferred_ && deferred_->proves) settle_deferred(Wait::nothing, nullptr);
}

void Coverage::add_suspect(std::uint64_t sequence) {
  if (suspects_.size() == kMaxSuspects) suspects_.pop_front();
  suspects_.push_back(sequence);
}

void Coverage::add_gap(std::uint64_t sequence) {
  if (!gaps_.empty() && gaps_.back() == sequence) return;
  if (gaps_.size() == kMaxGaps) gaps_.pop_front();
  gaps_.push_back(sequence);
}

bool Coverage::suspect_between(std::uint64_t begin, std::uint64_t end) const {
  const auto it = std::lower_bound(suspects_.begin(), suspects_.end(), begin);
  return it != suspects_.end() && *it <= end;
}

std::optional<crypto::Digest> Coverage::stream_anchor(std::uint32_t clip_gop) const {
  // The last of that GOP; GOPs ascend.
  const auto behind =
      std::upper_bound(anchors_.begin(), anchors_.end(), clip_gop,
                       [](std::uint32_t gop, const auto& anchor) { return gop < anchor.first; });
  if (behind == anchors_.begin() || std::prev(behind)->first != clip_gop) return std::nullopt;
  return std::prev(behind)->second;
}

// The hash that the unit is hashed together with. Axis' framework takes zeros for metadata before the first
// picture.
std::optional<crypto::Digest> Coverage::anchor_of(const PendingUnit& unit) const {
  if (!unit.leads || unit.picture_data) return stream_anchor(unit.clip_gop);
  crypto::Digest zeros;
  zeros.size = static_cast<std::uint8_t>(crypto::digest_size(hash_));
  return zeros;
}

void Coverage::add_sei(GopSei sei) {
  if (deferred_) settle_deferred(Wait::nothing, &sei);
  parts_seen_ = parts_seen_ || sei.general.partial;
  check_order(sei);
  defer_unless_settled(std::move(sei), Wait::units, nullptr);
}

void Coverage::defer_unless_settled(GopSei sei, Wait may_wait_for, const GopSei* following) {
  deferred_for_ = resolve(sei, may_wait_for, following);
  if (deferred_for_ != Wait::nothing) deferred_ = std::move(sei);
}

void Coverage::settle_deferred(Wait may_wait_for, const GopSei* following) {
  auto sei = std::exchange(deferred_, std::nullopt);
  defer_unless_settled(std::move(*sei), may_wait_for, following);
}

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

// At the end of a stream there is no next GOP: what a legacy list closes with is the last picture itself.
void Coverage::take_last_unit(GopSei& sei, Located& located) const {
  if (sei.closing.empty() || located.end >= pending_.size() || pending_[located.end].hash.anchors) return;
  if (entry_of(engine_, hash_, pending_[located.end].hash, located.anchor) != sei.closing) return;
  located.steps.push_back({UnitStatus::authentic, located.end++});
  sei.closing = {};
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

// Finds the units of an SEI and settles them, or says what has to come first; then the SEI was not touched.
Coverage::Wait Coverage::resolve(GopSei& sei, Wait may_wait_for, const GopSei* following) {
  auto located = locate_by_hash(sei);
  if (!located) {
    auto wait = Wait::nothing;
    located = locate_by_list(sei, may_wait_for, following, wait);
    if (wait != Wait::nothing) return wait;
  }
  if (located && repeats_previous(sei.general) && has_missing(*located) && !at_end_ &&
      may_wait_for == Wait::units) {
    return Wait::units;  // whether it really is the end of the stream decides what a gap in its list means
  }
  if (located) {
    take_last_unit(sei, *located);
    if (sei.proves && located->end < pending_.size()) {
      Hashable next;
      next.raw = pending_[located->end].hash.raw;
      sei.closing = entry_of(engine_, hash_, next, located->anchor);
    }
    const auto front = located->begin;
    const auto dropped = front;
    if (front > 0 || lost_ > 0 || !unplaced_.empty()) settle_front(front, &sei, lost_);
    for (auto& step : located->steps) {
      if (step.unit != kNoUnit) step.unit -= dropped;
    }
    located->begin -= dropped;
    located->end -= dropped;
    commit_segment(sei, std::move(*located));
    return Wait::nothing;
  }
  if (sei.proves) {
    // Its signature cannot be checked before the unit behind the GOP is here.
    if (may_wait_for == Wait::units && !at_end_) return Wait::units;
    if (at_end_ && (pending_.empty() || pending_.back().sequence < sei.sequence)) {
      stale_end_ = true;
      note(NoteKind::last_gop_not_verifiable, current_gop(), 1,
           "the last signature also speaks about the picture behind its GOP, which is not in the clip: that "
           "GOP "
           "cannot be verified");
      return Wait::nothing;
    }
  }
  const bool gop_is_open =
      pending_.empty() || waiting_anchors_.size() == (pending_.front().hash.anchors ? 1U : 0U);
  if (may_wait_for == Wait::units && gop_is_open && !piece_begins_) return Wait::units;
  set_aside(std::move(sei));
  return Wait::nothing;
}

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

// Nothing in the clip is what this SEI speaks of.
void Coverage::set_aside(GopSei sei) {
  const auto& general = sei.general;
  // ONVIF's reference signer ends a stream with an SEI that repeats the GOP hash of the one before. With a
  // hash list that does no harm; without one the last GOP cannot be verified.
  if (!sei.list && repeats_previous(general)) {
    stale_end_ = true;
    previous_->counter = general.counter;
    note(NoteKind::last_gop_not_verifiable, current_gop(), 1,
         "the last SEI repeats the GOP hash of the one before it: the last GOP cannot be verified");
    return;
  }
  Previous previous;
  previous.counter = general.counter;
  previous.partial = general.partial;
  previous.end = general.end;
  previous.closing = sei.closing;
  previous.signature_valid = sei.signature == SignatureStatus::valid;
  previous.gop_hash = general.gop_hash;
  previous.unit_count = general.unit_count;
  Unplaced unplaced;
  const auto size = general.gop_hash.size;
  const bool counted = general.format != Format::onvif || general.unit_count != kUnknownUnitCount;
  unplaced.places = counted ? general.unit_count : 0;
  if (sei.list && sei.list->size() >= size) {
    unplaced.places = sei.list->size() / size;
    crypto::Digest first;
    std::copy_n(sei.list->begin(), size, first.bytes.begin());
    first.size = size;
    previous.first_entry = first;
    if (previous_ && previous_->partial) {
      previous.anchor = previous_->anchor;
    } else {
      previous.anchor = first;
    }
    if (orphan_lists_.size() == kMaxOrphans) orphan_lists_.pop_front();
    orphan_lists_.push_back(*sei.list);
  }
  previous_ = std::move(previous);
  if (unplaced_.size() == kMaxUnplaced) unplaced_.erase(unplaced_.begin());
  unplaced.sei = std::move(sei);
  unplaced_.push_back(std::move(unplaced));
}

void Coverage::commit_segment(GopSei& sei, Located located) {
  const auto& general = sei.general;
  Record record;
  record.sei = sei.id;
  record.waiting = std::move(sei.waiting);
  record.uncovered_is_tampering = false;

  SegmentSummary segment;
  segment.signature = sei.signature;
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

void Coverage::drop_front(std::size_t count) {
  if (count == 0) return;
  while (!waiting_anchors_.empty() && waiting_anchors_.front() <= pending_[count - 1].sequence)
    waiting_anchors_.pop_front();
  while (!gaps_.empty() && gaps_.front() <= pending_[count - 1].sequence) gaps_.pop_front();
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
  if (!pending_.empty()) {
    while (anchors_.size() > 1 && anchors_.front().first < pending_.front().clip_gop) anchors_.pop_front();
    while (!suspects_.empty() && suspects_.front() + 1 < pending_.front().sequence) suspects_.pop_front();
  } else {
    while (anchors_.size() > 1) anchors_.pop_front();
  }
}

void Coverage::finish() {
  at_end_ = true;
  if (deferred_) settle_deferred(Wait::nothing, nullptr);
  ledger_.close([&](const Record& record) {
    note(NoteKind::unsigned_tail, record.segment->gop, record.units.size(),
         "pictures at the end wait for a signature that is not in the clip and are not covered");
  });
  const auto tail = pending_.size();
  if (tail > 0 && unplaced_.empty() && !stale_end_ && !previous_ended_) {
    note(NoteKind::unsigned_tail, current_gop(), tail,
         "the last pictures come after the last signature and are not covered");
  }
  if (tail > 0 || !unplaced_.empty()) settle_front(tail, nullptr, lost_);
}

}  // namespace camvault::signed_video

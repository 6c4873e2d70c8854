#include "coverage.h"

#include <algorithm>

namespace camvault::signed_video {

namespace {

// A unit waits for its SEI through this many; past that no signature will come. Keeps memory flat.
constexpr std::size_t kMaxPending = 150'000;
// After so many searches in vain a unit is given up: hostile SEIs cannot make us search the same units for ever.
constexpr std::uint8_t kMaxAttempts = 32;
constexpr std::size_t kMaxUnplaced = 64;
constexpr std::size_t kMaxOrphans = 16;
constexpr std::size_t kMaxStarts = 16;          // GOP beginnings that are tried for an SEI without a list
constexpr std::size_t kMaxAnchors = 8;          // anchors that are tried for an SEI with a list
constexpr std::size_t kMaxSuspects = 4096;
constexpr std::size_t kMaxRecordUnits = 300'000;
constexpr std::size_t kMaxNotes = 1000;
constexpr std::size_t kMaxListedMissingGops = 1000;

constexpr std::size_t kNoUnit = SIZE_MAX;
constexpr Timestamp kLatestTime = Timestamp::max() - std::chrono::hours(48);

// Release 26.06 hashes all slice types. ONVIF's reference implementation (up to 25.12) leaves some out.
bool signer_hashes_all_types(const General& general) {
  return general.spec_version == std::array<std::uint8_t, 3>{26, 6, 0};
}

}  // namespace

Coverage::Coverage(const crypto::Engine& engine, Timeline& timeline, std::vector<Note>& notes)
    : engine_(engine), timeline_(timeline), notes_(notes) {}

void Coverage::set_hash(crypto::HashAlg hash) { hash_ = hash; }

void Coverage::replace_digests(const std::deque<crypto::Digest>& digests) {
  for (std::size_t i = 0; i < pending_.size() && i < digests.size(); ++i) {
    pending_[i].hash.raw = digests[i];
    if (!pending_[i].hash.anchors) continue;
    for (auto& [gop, digest] : anchors_) {
      if (gop == pending_[i].clip_gop) digest = digests[i];
    }
  }
}

void Coverage::note(NoteKind kind, std::uint32_t gop, std::uint64_t count, std::string text) {
  if (notes_.size() < kMaxNotes) notes_.push_back({kind, gop, count, std::move(text)});
}

std::uint32_t Coverage::current_gop() const {
  return pending_.empty() ? 0 : gop_of(pending_.back());
}

std::uint32_t Coverage::gop_of(const PendingUnit& unit) const {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, unit.clip_gop + gop_shift_));
}

std::uint32_t Coverage::typical_slices() const {
  const auto most = std::max_element(slices_seen_.begin(), slices_seen_.end());
  return *most == 0 ? 1 : static_cast<std::uint32_t>(most - slices_seen_.begin());
}

void Coverage::add_unit(PendingUnit unit) {
  if (unit.hash.anchors) {
    // A part of a GOP waits for the SEI of the next part, which shows where that begins.
    if (deferred_ && !deferred_->general.partial) {
      auto sei = std::exchange(deferred_, std::nullopt);
      resolve(*sei, false, nullptr);
    }
    anchors_.emplace_back(unit.clip_gop, unit.hash.raw);
  }
  if (!unit.hash.sei) {
    if (unit.first_slice) {
      if (slices_in_picture_ != 0 && slices_in_picture_ < slices_seen_.size()) ++slices_seen_[slices_in_picture_];
      slices_in_picture_ = 0;
    }
    ++slices_in_picture_;
  }
  if (pending_.size() >= kMaxPending) {
    flushed_gops_ += pending_[kMaxPending / 2].clip_gop - pending_.front().clip_gop;
    settle_front(kMaxPending / 2, nullptr, 0);
  }
  pending_.push_back(std::move(unit));
}

void Coverage::add_suspect(std::uint64_t sequence) {
  if (suspects_.size() == kMaxSuspects) suspects_.pop_front();
  suspects_.push_back(sequence);
}

bool Coverage::suspect_between(std::uint64_t begin, std::uint64_t end) const {
  const auto it = std::lower_bound(suspects_.begin(), suspects_.end(), begin);
  return it != suspects_.end() && *it <= end;
}

std::optional<crypto::Digest> Coverage::stream_anchor(std::uint32_t clip_gop) const {
  for (auto it = anchors_.rbegin(); it != anchors_.rend(); ++it) {
    if (it->first == clip_gop) return it->second;
  }
  return std::nullopt;
}

std::vector<const Hashable*> Coverage::hashables(std::size_t begin, std::size_t end) const {
  std::vector<const Hashable*> out;
  out.reserve(end - begin);
  for (auto i = begin; i < end; ++i) out.push_back(&pending_[i].hash);
  return out;
}

void Coverage::add_sei(GopSei sei) {
  if (deferred_) {
    auto earlier = std::exchange(deferred_, std::nullopt);
    resolve(*earlier, false, &sei);
  }
  parts_seen_ = parts_seen_ || sei.general.partial;
  if (!resolve(sei, true, nullptr)) deferred_ = std::move(sei);
}

void Coverage::begin_piece(std::string why) {
  note(NoteKind::joined, current_gop(), 1, std::move(why));
  outcome_.tampered = true;
  joined_ = true;
  previous_.reset();
  lost_ = 0;
  piece_begins_ = true;
}

// A gap in the counter can be a removed run of GOPs or the seam between two recordings. Times tell: the signed time that
// passed must be what the lost GOPs can last.
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

void Coverage::check_order(const GopSei& sei) {
  if (!previous_) return;
  const auto step = sei.general.counter - previous_->counter;  // wraps with the counter
  if (step == 0 || step > 0x8000'0000U) {
    begin_piece("the GOP counter runs backwards here: another recording begins, or GOPs were put into another order");
    return;
  }
  if (step > 1 && !plausible_gap(sei, step - 1)) {
    begin_piece("the GOP counter and the signed times do not fit together here: two recordings were joined");
    return;
  }
  if (step == 1 && previous_->first_entry && *previous_->first_entry != sei.general.linked_hash) {
    begin_piece("the signed link to the GOP before does not fit: two recordings were joined");
    return;
  }
  lost_ += step - 1;
}

// The quick way: the GOP hash over the units from `begin` on.
std::optional<Coverage::Located> Coverage::locate_exactly(const GopSei& sei, std::size_t begin, bool reference_only) {
  if (begin >= pending_.size()) return std::nullopt;
  const auto& general = sei.general;
  const bool count_known = general.unit_count != kUnknownUnitCount;
  Located located;
  located.begin = begin;
  std::vector<const Hashable*> units;
  auto i = begin;
  for (; i < pending_.size() && !(count_known && units.size() == general.unit_count); ++i) {
    if (i != begin && pending_[i].hash.anchors) break;
    const bool counts = !reference_only || pending_[i].reference_hashed || pending_[i].hash.sei;
    located.steps.push_back({counts ? UnitStatus::authentic : UnitStatus::not_covered, i});
    if (counts) units.push_back(&pending_[i].hash);
  }
  if (units.empty() || (count_known && units.size() != general.unit_count)) return std::nullopt;
  // With types left out, those behind the last hashed unit belong to the same GOP.
  for (; reference_only && i < pending_.size() && !pending_[i].reference_hashed; ++i) {
    located.steps.push_back({UnitStatus::not_covered, i});
  }
  located.end = i;
  if (units.front()->anchors) {
    located.anchor = units.front()->raw;
  } else if (previous_ && previous_->partial && previous_->anchor) {
    located.anchor = *previous_->anchor;
  } else if (const auto anchor = stream_anchor(pending_[begin].clip_gop)) {
    located.anchor = *anchor;
  }
  Bytes entries;
  append_entries(engine_, hash_, units, located.anchor, entries);
  if (engine_.digest(hash_, entries) != general.gop_hash) return std::nullopt;
  located.first_entry = entry_of(engine_, hash_, *units.front(), located.anchor);
  return located;
}

std::optional<Coverage::Located> Coverage::locate_by_hash(const GopSei& sei) {
  const bool may_leave_out = !signer_hashes_all_types(sei.general);
  const auto attempt = [&](std::size_t begin) -> std::optional<Located> {
    if (!reference_only_) {
      if (auto located = locate_exactly(sei, begin, false)) return located;
    }
    if (!may_leave_out) return std::nullopt;
    auto located = locate_exactly(sei, begin, true);
    if (located && !reference_only_) {
      reference_only_ = true;
      note(NoteKind::types_not_hashed, current_gop(), 1,
           "the signer leaves some picture types out (as ONVIF's reference implementation does): those pictures are not covered");
    }
    return located;
  };
  if (auto located = attempt(0)) return located;
  std::size_t tried = 0;
  for (std::size_t i = 1; i < pending_.size() && tried < kMaxStarts; ++i) {
    if (!pending_[i].hash.anchors) continue;
    ++tried;
    if (pending_[i].attempts >= kMaxAttempts) continue;
    if (auto located = attempt(i)) return located;
  }
  return std::nullopt;
}

std::optional<Coverage::Located> Coverage::locate_by_list(const GopSei& sei, bool may_defer, const GopSei* following, bool& defer) {
  const auto size = crypto::digest_size(hash_);
  if (!sei.list || sei.list->empty() || sei.general.gop_hash.size != size) return std::nullopt;
  std::vector<crypto::Digest> anchors;
  const auto offer = [&](const std::optional<crypto::Digest>& anchor) {
    if (anchor && anchors.size() < kMaxAnchors && std::find(anchors.begin(), anchors.end(), *anchor) == anchors.end()) {
      anchors.push_back(*anchor);
    }
  };
  if (previous_ && previous_->partial) offer(previous_->anchor);
  crypto::Digest first;
  std::copy_n(sei.list->begin(), size, first.bytes.begin());
  first.size = static_cast<std::uint8_t>(size);
  offer(first);  // the entry of the IDR picture is the anchor itself: it clears the others even if that picture is lost
  std::vector<std::size_t> view;
  std::vector<const Hashable*> units;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    auto& unit = pending_[i];
    if (unit.hash.anchors) offer(unit.hash.raw);
    if (unit.attempts < kMaxAttempts) ++unit.attempts;
    if (reference_only_ && !unit.reference_hashed && !unit.hash.sei) continue;
    view.push_back(i);
    units.push_back(&unit.hash);
  }
  if (!pending_.empty()) offer(stream_anchor(pending_.front().clip_gop));
  const auto match = match_list(engine_, hash_, units, *sei.list, anchors);
  if (match.matched == 0) return std::nullopt;
  // Units that the next part of the GOP speaks of are not this one's.
  std::vector<std::uint32_t> claimed;
  if (following != nullptr && following->list && following->general.gop_hash.size == size && sei.general.partial) {
    claimed = match_list(engine_, hash_, units, *following->list, anchors).slot;
  }
  auto located = read_match(sei, match, view, claimed, may_defer, defer);
  located.first_entry = first;
  located.anchor = match.anchor.empty() ? first : match.anchor;
  return located;
}

// Turns a match into steps: what stands between two matched units is altered as far as places and units pair up, the
// rest is missing or extra.
Coverage::Located Coverage::read_match(const GopSei& sei, const Match& match, const std::vector<std::size_t>& view,
                                       const std::vector<std::uint32_t>& claimed, bool may_defer, bool& defer) {
  const auto slots = static_cast<std::uint32_t>(match.found.size());
  std::vector<std::size_t> backbone;  // indices in view
  for (std::size_t i = 0; i < view.size(); ++i) {
    if (match.in_order[i]) backbone.push_back(i);
  }
  Located located;
  const bool tolerate_types = !signer_hashes_all_types(sei.general);
  bool other_type_matched = false;
  for (std::size_t i = 0; i < view.size(); ++i) {
    other_type_matched = other_type_matched || (match.slot[i] != kNoSlot && !pending_[view[i]].reference_hashed && !pending_[view[i]].hash.sei);
  }
  const auto left_out = [&](std::size_t unit) {
    return tolerate_types && !other_type_matched && !pending_[unit].reference_hashed && !pending_[unit].hash.sei;
  };
  const auto places_between = [&](std::uint32_t begin, std::uint32_t end) {
    std::size_t count = 0;
    for (auto s = begin; s < end; ++s) count += match.found[s] ? 0U : 1U;
    return count;
  };
  // Units [begin, end) of the view against `places` unmatched places.
  const auto read_gap = [&](std::size_t begin, std::size_t end, std::size_t places, std::uint64_t sequence_after) {
    for (auto i = begin; i < end; ++i) {
      const auto unit = view[i];
      if (match.slot[i] != kNoSlot) {
        located.steps.push_back({UnitStatus::out_of_place, unit});
      } else if (left_out(unit)) {
        located.steps.push_back({UnitStatus::not_covered, unit});
      } else if (places > 0) {
        --places;
        located.steps.push_back({UnitStatus::altered, unit});
      } else {
        located.steps.push_back({UnitStatus::extra, unit});
      }
    }
    // A place without a unit, where something unrecognisable stands: a slice whose header was changed.
    const auto sequence_before = begin == 0 ? 0 : pending_[view[begin - 1]].sequence + 1;
    for (; places > 0; --places) {
      const bool disguised = suspect_between(sequence_before, sequence_after);
      located.steps.push_back({disguised ? UnitStatus::altered : UnitStatus::missing, kNoUnit});
    }
  };

  // Before the first match: units of the same GOP may be altered ones; earlier units are somebody else's.
  const auto first = backbone.front();
  const auto first_slot = match.slot[first];
  auto front_places = places_between(0, first_slot);
  auto front_begin = first;
  while (front_begin > 0 && first - front_begin < front_places &&
         pending_[view[front_begin - 1]].clip_gop == pending_[view[first]].clip_gop) {
    --front_begin;
  }
  // An IDR picture whose header was changed no longer begins a GOP; it stands right before the first match all the same.
  if (previous_ && previous_->placed && lost_ == 0 && unplaced_.empty()) front_begin = 0;
  located.begin = view[front_begin];
  const auto extra_front = first - front_begin > front_places ? first - front_begin - front_places : 0;
  if (extra_front > 0) located.begin = view[front_begin += extra_front];
  // What the clip begins without is no edit, unless something unrecognisable stands in its place.
  if (piece_begins_ && front_places > first - front_begin && !suspect_between(0, pending_[view[first]].sequence)) {
    located.beginning_missing = true;
    front_places = first - front_begin;
  }
  read_gap(front_begin, first, front_places, pending_[view[first]].sequence);

  for (std::size_t b = 0; b < backbone.size(); ++b) {
    located.steps.push_back({UnitStatus::authentic, view[backbone[b]]});
    if (b + 1 < backbone.size()) {
      read_gap(backbone[b] + 1, backbone[b + 1], places_between(match.slot[backbone[b]] + 1, match.slot[backbone[b + 1]]),
               pending_[view[backbone[b + 1]]].sequence);
    }
  }

  // Behind the last match: as many units as there are places, up to the next GOP. Others wait for the next SEI.
  const auto last = backbone.back();
  auto places = places_between(match.slot[last] + 1, slots);
  auto end = last + 1;
  std::size_t taken = 0;
  const auto ends_segment = [&](std::size_t i) {
    if (!claimed.empty() && claimed[i] != kNoSlot) return true;
    if (!pending_[view[i]].hash.anchors) return false;
    // A last unit that looks like an IDR picture, where one place of this GOP is free: its header was changed.
    return !(at_end_ && i + 1 == view.size() && places > taken);
  };
  while (end < view.size() && !ends_segment(end) && (taken < places || match.slot[end] != kNoSlot || left_out(view[end]))) {
    if (match.slot[end] == kNoSlot && !left_out(view[end])) ++taken;
    ++end;
  }
  const auto sequence_after = end < view.size() ? pending_[view[end]].sequence : pending_[view[end - 1]].sequence + 1;
  // The rest of the GOP may still come; and what comes tells whose the units behind the last match are.
  if (may_defer && ((places > taken && end + 1 >= view.size()) || (taken > 0 && sei.general.partial))) defer = true;
  read_gap(last + 1, end, places, sequence_after);
  located.end = view[end - 1] + 1;
  // Types that are never hashed and stand inside.
  if (reference_only_) {
    std::vector<Step> with_others;
    std::size_t next = located.begin;
    for (const auto& step : located.steps) {
      for (; step.unit != kNoUnit && next < step.unit; ++next) with_others.push_back({UnitStatus::not_covered, next});
      if (step.unit != kNoUnit) next = step.unit + 1;
      with_others.push_back(step);
    }
    located.steps = std::move(with_others);
  }
  return located;
}

// Finds the units of an SEI and settles them. False: more units are needed; the SEI was not touched.
bool Coverage::resolve(GopSei& sei, bool may_defer, const GopSei* following) {
  const bool fresh = may_defer;  // the second look at a deferred SEI must not count the gap again
  if (fresh) check_order(sei);
  auto located = locate_by_hash(sei);
  if (!located) {
    bool defer = false;
    located = locate_by_list(sei, may_defer, following, defer);
    if (defer) return false;
  }
  if (located) {
    const auto front = located->begin;
    const auto dropped = front;
    if (front > 0 || lost_ > 0 || !unplaced_.empty()) settle_front(front, &sei, lost_);
    for (auto& step : located->steps) {
      if (step.unit != kNoUnit) step.unit -= dropped;
    }
    located->begin -= dropped;
    located->end -= dropped;
    commit_segment(sei, std::move(*located));
    return true;
  }
  const bool gop_is_open = pending_.empty() || std::none_of(pending_.begin() + 1, pending_.end(), [](const auto& u) { return u.hash.anchors; });
  if (may_defer && gop_is_open && !piece_begins_) return false;
  set_aside(std::move(sei));
  return true;
}

bool Coverage::repeats_previous(const General& general) const {
  return previous_ && general.gop_hash == previous_->gop_hash && general.unit_count == previous_->unit_count;
}

// Nothing in the clip is what this SEI speaks of.
void Coverage::set_aside(GopSei sei) {
  const auto& general = sei.general;
  // ONVIF's reference signer ends a stream with an SEI that repeats the GOP hash of the one before. With a hash list
  // that does no harm; without one the last GOP cannot be verified.
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
  previous.gop_hash = general.gop_hash;
  previous.unit_count = general.unit_count;
  Unplaced unplaced;
  const auto size = general.gop_hash.size;
  unplaced.places = general.unit_count != kUnknownUnitCount ? general.unit_count : 0;
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
  segment.linked = previous_ && previous_->first_entry && *previous_->first_entry == general.linked_hash;
  segment.start = general.start;
  segment.end = general.end;
  // The end-of-stream SEI of ONVIF's reference signer repeats the GOP hash, count and times of the SEI before. What its list
  // clears is clear, but it cannot be relied on to say that the GOP is complete.
  if (repeats_previous(general)) {
    const auto gone = std::erase_if(located.steps, [](const Step& s) { return s.status == UnitStatus::missing; });
    if (gone > 0) {
      note(NoteKind::last_gop_not_verifiable, current_gop(), gone,
           "the last SEI repeats the GOP hash of the one before it: whether the last GOP is complete cannot be verified");
    }
    segment.start = previous_->end;
    segment.end.reset();
  }
  const bool next_in_line = previous_ && previous_->placed && previous_->gop && lost_ == 0 && unplaced_.empty();
  const auto first_unit = std::find_if(located.steps.begin(), located.steps.end(), [](const Step& s) { return s.status == UnitStatus::authentic; });
  const auto& witness = pending_[first_unit->unit];
  segment.gop = next_in_line ? *previous_->gop + (previous_->partial ? 0 : 1) : gop_of(witness);
  gop_shift_ = std::int64_t{segment.gop} - witness.clip_gop;

  // Places of unsigned SEIs that are gone are no pictures.
  auto lost_seis = lost_;
  const auto slices = typical_slices();
  std::int64_t slice = -1;  // of the running picture; -1: none yet
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
      result.clip_picture = static_cast<std::uint32_t>(std::max<std::int64_t>(0, last_picture_ - picture_shift_ + 1));
      record.units.push_back(result);
      continue;
    }
    const auto& unit = pending_[step.unit];
    if (unit.hash.sei) {
      record.seis.emplace_back(unit.sei, step.status);
    } else {
      // A changed header can hide that a picture begins.
      const bool should_begin = slices == 1 || slice < 0;
      if (step.status == UnitStatus::altered && should_begin && !unit.first_slice) ++picture_shift_;
      slice = unit.first_slice || should_begin ? 0 : slice + 1;
    }
    result = result_of(unit, step.status);
    result.gop = segment.gop;
    if (unit.container_time) {
      if (!first_container_time) first_container_time = unit.container_time;
      const auto into = *unit.container_time - *first_container_time;
      // A container that claims days inside one GOP is not believed.
      if (general.start && *general.start < kLatestTime && into < std::chrono::hours(24) && into > -std::chrono::hours(24)) {
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
  record.segment = segment;
  if (located.beginning_missing) {
    note(NoteKind::beginning_missing, segment.gop, 1, "the clip begins inside a GOP: pictures before it are not here");
  }

  Previous previous;
  previous.counter = general.counter;
  previous.partial = general.partial;
  previous.placed = true;
  previous.first_entry = located.first_entry;
  previous.anchor = located.anchor;
  previous.end = general.end;
  previous.gop = segment.gop;
  previous.gop_hash = general.gop_hash;
  previous.unit_count = general.unit_count;
  previous_ = std::move(previous);
  if (general.start && general.end && *general.end > *general.start) {
    const auto length = *general.end - *general.start;
    shortest_segment_ = longest_segment_ == Ticks::zero() ? length : std::min(shortest_segment_, length);
    longest_segment_ = std::max(longest_segment_, length);
  }
  largest_segment_ = std::max(largest_segment_, static_cast<std::uint32_t>(located.steps.size()));
  lost_ = 0;
  flushed_gops_ = 0;
  piece_begins_ = false;
  drop_front(located.end);
  push(std::move(record));
}

UnitResult Coverage::result_of(const PendingUnit& unit, UnitStatus status) const {
  UnitResult result;
  result.status = status;
  result.picture_data = !unit.hash.sei;
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
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
  if (!pending_.empty()) {
    while (anchors_.size() > 1 && anchors_.front().first < pending_.front().clip_gop) anchors_.pop_front();
    while (!suspects_.empty() && suspects_.front() + 1 < pending_.front().sequence) suspects_.pop_front();
  } else {
    while (anchors_.size() > 1) anchors_.pop_front();
  }
}

// How many SEIs the first `count` units would have: one for each GOP, or part of one.
std::uint64_t Coverage::parts_of(std::size_t count) const {
  if (count == 0) return flushed_gops_;
  std::uint64_t gops = pending_.front().hash.anchors ? 0 : 1;
  for (std::size_t i = 0; i < count; ++i) gops += pending_[i].hash.anchors ? 1U : 0U;
  const auto parts = parts_seen_ ? (count + largest_segment_ - 1) / largest_segment_ : 1;
  return flushed_gops_ + std::max<std::uint64_t>(gops, parts);
}

// Does the clip still hold the GOPs whose SEIs are gone? Then only their signatures were taken away. The link names the
// GOP before; if that is altered as well, the number of GOPs tells.
bool Coverage::signature_was_removed(std::size_t count, const GopSei& next, std::uint64_t lost) const {
  for (std::size_t i = 0; i < count; ++i) {
    const auto& unit = pending_[i];
    if (unit.hash.raw == next.general.linked_hash) return true;
    if (unit.hash.anchors || unit.hash.sei) continue;
    const auto anchor = stream_anchor(unit.clip_gop);
    if (anchor && entry_of(engine_, hash_, unit.hash, *anchor) == next.general.linked_hash) return true;
  }
  return lost <= parts_of(count);
}

// `behind` is the first waiting unit that stands behind the gap.
void Coverage::count_missing_gops(std::uint64_t count, std::size_t behind, Record& record) {
  if (count == 0) return;
  outcome_.any_missing = true;
  outcome_.gops_missing = static_cast<std::uint32_t>(std::min<std::uint64_t>(0xffffffff, outcome_.gops_missing + count));
  const auto begin = behind >= pending_.size() ? current_gop() + 1 : gop_of(pending_[behind]);
  note(NoteKind::gops_missing, begin, count,
       std::to_string(count) + (parts_seen_ ? " signed parts of GOPs are missing here" : count == 1 ? " GOP is missing here" : " GOPs are missing here"));
  if (parts_seen_) return;  // the counter counts parts: how many GOPs they made is not known
  for (std::uint64_t i = 0; i < count && i < kMaxListedMissingGops; ++i) {
    SegmentSummary gone;
    gone.gop = begin + static_cast<std::uint32_t>(i);
    record.missing_gops.push_back(gone);
  }
  gop_shift_ += static_cast<std::int64_t>(std::min<std::uint64_t>(count, 0x7fffffff));
}

void Coverage::note_removed_signature(std::uint64_t count, Record& record) {
  record.uncovered_is_tampering = true;
  note(NoteKind::sei_removed, gop_of(pending_.front()), count,
       invalid_sei_seen_ ? "pictures stand here whose signature does not verify" : "pictures stand here whose signature was taken away");
}

// Of the first `count` units, those that an SEI without a match can have been meant for: they came before it did.
std::size_t Coverage::units_before_unplaced(std::size_t count) const {
  std::uint64_t until = 0;
  for (const auto& unplaced : unplaced_) {
    std::size_t i = 0;
    while (i < pending_.size() && pending_[i].sequence < unplaced.sei.sequence) ++i;
    // A GOP that goes on behind its SEI is not the one the SEI speaks about, unless that says it is a part.
    const bool goes_on = i > 0 && i < pending_.size() && pending_[i].clip_gop == pending_[i - 1].clip_gop;
    auto covered_until = unplaced.sei.sequence;
    if (goes_on && !unplaced.sei.general.partial) {
      while (i > 0 && pending_[i - 1].clip_gop == pending_[i].clip_gop) --i;
      covered_until = pending_[i].sequence;
    }
    until = std::max(until, covered_until);
  }
  std::size_t eligible = 0;
  while (eligible < count && pending_[eligible].sequence < until) ++eligible;
  return eligible;
}

// GOPs that SEIs speak of and that are gone as a whole: how many pictures they had is known.
void Coverage::add_missing_units(std::size_t behind, Record& record) {
  const auto slices = typical_slices();
  outcome_.any_missing = true;
  for (const auto& unplaced : unplaced_) {
    SegmentSummary gone;
    gone.gop = behind >= pending_.size() ? current_gop() + 1 : gop_of(pending_[behind]);
    gone.start = unplaced.sei.general.start;
    gone.end = unplaced.sei.general.end;
    gone.signature = unplaced.sei.signature;
    record.missing_gops.push_back(gone);
    if (!unplaced.sei.general.partial) ++gop_shift_;
    const auto pictures = std::min<std::uint64_t>(unplaced.places / slices, kMaxPending);
    for (std::uint64_t i = 0; i < pictures; ++i) {
      UnitResult result;
      result.status = UnitStatus::missing;
      result.gop = gone.gop;
      result.time = gone.start;
      ++picture_shift_;
      result.picture = static_cast<std::uint32_t>(++last_picture_);
      result.clip_picture = static_cast<std::uint32_t>(std::max<std::int64_t>(0, last_picture_ - picture_shift_ + 1));
      record.units.push_back(result);
    }
  }
  outcome_.gops_missing += static_cast<std::uint32_t>(unplaced_.size());
  note(NoteKind::gops_missing, record.missing_gops.back().gop, unplaced_.size(), "pictures that the signatures here speak of are gone");
}

// What are the units that wait before the ones an SEI was found for?
std::vector<UnitStatus> Coverage::judge_front(std::size_t count, const GopSei* next, std::uint64_t lost, Record& record) {
  std::vector<UnitStatus> status(count, UnitStatus::not_covered);
  const bool head = piece_begins_;
  if (!unplaced_.empty()) {
    const auto eligible = units_before_unplaced(count);
    if (lost > 0 && !head) {
      // SEIs are gone, and those that came next speak of units that are gone, too: a run of GOPs was removed, unless the
      // clip still holds all GOPs that the lost SEIs were for.
      const auto parts = parts_of(eligible);
      if (parts > lost) {
        note_removed_signature(lost, record);
      } else {
        count_missing_gops(lost - parts, count, record);
        add_missing_units(count, record);
      }
      return status;
    }
    // The GOP that the clip begins in cannot be checked when its IDR picture was cut away.
    const bool began_inside = head && eligible > 0 && !pending_.front().hash.anchors;
    std::uint64_t places = 0;
    for (const auto& unplaced : unplaced_) places += unplaced.places == 0 ? count : unplaced.places;
    std::uint64_t claimed = 0;
    for (std::size_t i = 0; i < eligible; ++i) {
      if (began_inside && pending_[i].clip_gop == pending_.front().clip_gop) continue;
      status[i] = claimed < places ? UnitStatus::altered : UnitStatus::extra;
      ++claimed;
    }
    if (eligible == 0 && head) {
      note(NoteKind::beginning_missing, 0, unplaced_.size(), "the clip begins in the middle of a recording: GOPs before it are not here");
    } else if (eligible == 0) {
      add_missing_units(count, record);
    } else if (began_inside) {
      note(NoteKind::beginning_missing, 0, 1, "the clip begins inside a GOP: what is left of it cannot be verified");
    }
    if (eligible == count || eligible == 0 || head) return status;
  }
  if (next == nullptr || stale_end_ || joined_) return status;
  if (head) {
    if (count == 0) return status;
    // A clip may begin inside a GOP, but then an SEI for that GOP is here. What no SEI speaks of was put here, or robbed of
    // its signature.
    const auto& link = next->general.linked_hash;
    const bool very_first = std::all_of(link.bytes.begin(), link.bytes.begin() + link.size, [](auto byte) { return byte == 0; });
    if (very_first) std::fill(status.begin(), status.end(), UnitStatus::extra);
    record.uncovered_is_tampering = true;
    note(NoteKind::unsigned_head, 0, count,
         very_first ? "pictures stand before the first one that the camera recorded" : "the first pictures have no signature, but it is not the end of a recording");
    return status;
  }
  if (lost > 0) {
    if (count == 0) {
      count_missing_gops(lost, 0, record);
    } else if (signature_was_removed(count, *next, lost)) {
      note_removed_signature(lost, record);
    } else {
      count_missing_gops(lost - parts_of(count), count, record);
    }
    return status;
  }
  for (auto& s : status) {
    if (s == UnitStatus::not_covered) s = UnitStatus::extra;
  }
  return status;
}

// Pictures that should not stand here may be those of a GOP that was looked for elsewhere in vain.
void Coverage::find_moved(std::vector<UnitStatus>& status, bool uncovered_is_tampering) const {
  const auto is_bad = [&](UnitStatus s) { return s != UnitStatus::not_covered || uncovered_is_tampering; };
  if (std::none_of(status.begin(), status.end(), is_bad)) return;
  const auto units = hashables(0, status.size());
  const auto size = crypto::digest_size(hash_);
  for (const auto& list : orphan_lists_) {
    if (list.size() < size) continue;
    crypto::Digest first;
    std::copy_n(list.begin(), size, first.bytes.begin());
    first.size = static_cast<std::uint8_t>(size);
    const auto match = match_list(engine_, hash_, units, list, std::span(&first, 1));
    for (std::size_t i = 0; i < status.size(); ++i) {
      if (match.slot[i] != kNoSlot && is_bad(status[i])) status[i] = UnitStatus::out_of_place;
    }
  }
}

void Coverage::settle_front(std::size_t count, const GopSei* next, std::uint64_t lost) {
  Record front;
  for (std::size_t i = 0; i < count; ++i) {
    front.units.push_back(result_of(pending_[i], UnitStatus::not_covered));  // numbered before what is missing behind them
    last_picture_ = std::max<std::int64_t>(last_picture_, front.units.back().picture);
  }
  Record record;
  record.state = front.state = State::definite;
  auto status = judge_front(count, next, lost, record);
  find_moved(status, record.uncovered_is_tampering);
  if (count > 0) {
    SegmentSummary segment;
    segment.signature = invalid_sei_seen_ ? SignatureStatus::invalid : SignatureStatus::none;
    segment.gop = front.units.front().gop;
    front.segment = segment;
    front.uncovered_is_tampering = record.uncovered_is_tampering;
    for (std::size_t i = 0; i < count; ++i) {
      front.units[i].status = status[i];
      if (pending_[i].hash.sei) front.seis.emplace_back(pending_[i].sei, status[i]);
    }
    push(std::move(front));
  }
  if (!record.missing_gops.empty()) push(std::move(record));
  unplaced_.clear();
  invalid_sei_seen_ = false;
  // The next GOP's number follows from its units, not from the GOP before.
  if (previous_ && (lost > 0 || next == nullptr)) previous_->gop.reset();
  drop_front(count);
}

// Records are committed in clip order; a record waits for the signature it hangs on.

void Coverage::push(Record record) {
  record_units_ += record.units.size() + record.missing_gops.size();
  const bool is_segment = record.segment && record.state == State::open;
  const bool signed_now = is_segment && record.segment->signature == SignatureStatus::valid;
  records_.push_back(std::move(record));
  if (signed_now || records_.back().state == State::definite) make_definite(records_.back());
  while (record_units_ > kMaxRecordUnits && !records_.empty() && records_.front().state == State::open) {
    records_.front().state = State::refuted;
    commit_ready();
  }
  commit_ready();
}

// Follows the chain of unsigned SEIs backwards: what a covered SEI says holds, what an altered one says does not.
void Coverage::make_definite(Record& record) {
  record.state = State::definite;
  std::vector<std::pair<std::uint64_t, UnitStatus>> work = record.seis;
  while (!work.empty()) {
    const auto [id, status] = work.back();
    work.pop_back();
    const auto it = std::find_if(records_.rbegin(), records_.rend(),
                                 [&, wanted = id](const Record& r) { return r.state == State::open && r.segment && r.sei == wanted && !r.waiting; });
    if (it == records_.rend()) continue;
    it->state = status == UnitStatus::authentic ? State::definite : State::refuted;
    if (status == UnitStatus::authentic) {
      it->segment->signature = SignatureStatus::valid;
      work.insert(work.end(), it->seis.begin(), it->seis.end());
    }
  }
}

void Coverage::settle_signatures(const std::function<SignatureStatus(const WaitingSignature&)>& check) {
  for (auto& record : records_) {
    if (record.state != State::open || !record.waiting) continue;
    const auto status = check(*record.waiting);
    if (status == SignatureStatus::no_key) continue;
    record.waiting.reset();
    record.segment->signature = status;
    if (status == SignatureStatus::valid) {
      make_definite(record);
    } else {
      record.state = State::refuted;
    }
  }
  commit_ready();
}

void Coverage::commit_ready() {
  while (!records_.empty() && records_.front().state != State::open) {
    commit(records_.front());
    record_units_ -= records_.front().units.size() + records_.front().missing_gops.size();
    records_.pop_front();
  }
}

void Coverage::commit(Record& record) {
  if (record.state == State::refuted) {
    record.uncovered_is_tampering = !record.unsigned_tail;
    for (auto& unit : record.units) unit.status = UnitStatus::not_covered;
  }
  for (const auto& gone : record.missing_gops) timeline_.add_missing_gop(gone);
  if (record.segment) timeline_.begin_segment(*record.segment);
  for (const auto& unit : record.units) {
    switch (unit.status) {
      case UnitStatus::authentic: outcome_.any_authentic = outcome_.any_authentic || unit.picture_data; break;
      case UnitStatus::missing: outcome_.any_missing = true; break;
      case UnitStatus::not_covered: outcome_.tampered = outcome_.tampered || record.uncovered_is_tampering; break;
      default: outcome_.tampered = true;
    }
    timeline_.add(unit);
  }
  if (record.state == State::definite && record.segment && record.segment->signature == SignatureStatus::valid) {
    if (!outcome_.first_time && record.segment->start) outcome_.first_time = record.segment->start;
    const auto last = record.segment->end ? record.segment->end : record.segment->start;
    if (last && (!outcome_.last_time || *last > *outcome_.last_time)) outcome_.last_time = last;
  }
}

void Coverage::finish() {
  if (deferred_) {
    auto sei = std::exchange(deferred_, std::nullopt);
    at_end_ = true;
    resolve(*sei, false, nullptr);
  }
  for (auto& record : records_) {
    if (record.state != State::open) continue;
    record.state = State::refuted;
    // Unsigned SEIs behind the last signed one cover nothing, like any unsigned end.
    record.unsigned_tail = !record.waiting;
    if (record.unsigned_tail) {
      note(NoteKind::unsigned_tail, record.segment->gop, record.units.size(),
           "pictures at the end wait for a signature that is not in the clip and are not covered");
    }
  }
  commit_ready();
  const auto tail = pending_.size();
  if (tail > 0 && unplaced_.empty() && !stale_end_) {
    note(NoteKind::unsigned_tail, current_gop(), tail, "the last pictures come after the last signature and are not covered");
  }
  if (tail > 0 || !unplaced_.empty()) settle_front(tail, nullptr, lost_);
}

}  // namespace camvault::signed_video

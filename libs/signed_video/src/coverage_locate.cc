// Which waiting units does an SEI speak about? By the GOP hash when nothing was changed, by the hash list
// otherwise.
#include <algorithm>

#include "coverage.h"

namespace camvault::signed_video {

// How many units the SEI speaks about; nothing if it does not say.
std::optional<std::size_t> Coverage::count_of(const General& general, std::size_t begin) const {
  if (general.format == Format::onvif) {
    if (general.unit_count == kUnknownUnitCount) return std::nullopt;
    return general.unit_count;
  }
  // Axis' count has 16 bits and wraps: as many as fit into the GOP.
  constexpr std::size_t kWraps = 0x1'0000;
  if (pending_.size() - begin < kWraps) return general.unit_count;
  const auto next =
      std::upper_bound(waiting_anchors_.begin(), waiting_anchors_.end(), pending_[begin].sequence);
  const auto end = next == waiting_anchors_.end() ? pending_.back().sequence + 1 : *next;
  const auto there = static_cast<std::size_t>(end - pending_[begin].sequence);
  if (there < general.unit_count) return general.unit_count;
  return general.unit_count + (there - general.unit_count) / kWraps * kWraps;
}

// Axis' legacy scheme without a list: the signature covers the entries and that of the unit behind them,
// which begins the next GOP, or ends the stream.
bool Coverage::proved_by_the_next(const GopSei& sei, Located& located, Bytes entries) const {
  if (located.end >= pending_.size()) return false;
  const auto& unit = pending_[located.end].hash;
  if (!unit.anchors && located.end + 1 != pending_.size()) return false;
  Hashable next;
  next.raw = unit.raw;
  append(entries, entry_of(engine_, hash_, next, located.anchor).view());
  if (!sei.proves(entries)) return false;
  if (!unit.anchors) located.steps.push_back({UnitStatus::authentic, located.end++});
  return true;
}

// The quick way: the GOP hash over the units from `begin` on.
std::optional<Coverage::Located> Coverage::locate_exactly(const GopSei& sei, std::size_t begin,
                                                          bool reference_only) {
  if (begin >= pending_.size()) return std::nullopt;
  const auto& general = sei.general;
  const auto count = count_of(general, begin);
  Located located;
  located.begin = begin;
  std::vector<const Hashable*> units;
  auto i = begin;
  for (; i < pending_.size() && !(count && units.size() == *count); ++i) {
    if (i != begin && pending_[i].hash.anchors) break;
    const bool counts = !reference_only || pending_[i].reference_hashed || pending_[i].hash.sei;
    located.steps.push_back({counts ? UnitStatus::authentic : UnitStatus::not_covered, i});
    if (counts) units.push_back(&pending_[i].hash);
  }
  if (units.empty() || (count && units.size() != *count)) return std::nullopt;
  // With types left out, those behind the last hashed unit belong to the same GOP.
  for (; reference_only && i < pending_.size() && !pending_[i].reference_hashed; ++i) {
    located.steps.push_back({UnitStatus::not_covered, i});
  }
  located.end = i;
  if (units.front()->anchors) {
    located.anchor = units.front()->raw;
  } else if (previous_ && previous_->partial && previous_->anchor) {
    located.anchor = *previous_->anchor;
  } else if (const auto anchor = anchor_of(pending_[begin])) {
    located.anchor = *anchor;
  }
  Bytes entries;
  if (general.format != Format::onvif && !sei.proves) entries.push_back(axis::kGopSalt);
  append_entries(engine_, hash_, units, located.anchor, entries);
  if (sei.proves) {
    if (!proved_by_the_next(sei, located, std::move(entries))) return std::nullopt;
  } else if (engine_.digest(hash_, entries) != general.gop_hash) {
    return std::nullopt;
  }
  located.first_entry = entry_of(engine_, hash_, *units.front(), located.anchor);
  return located;
}

std::optional<Coverage::Located> Coverage::locate_by_hash(const GopSei& sei) {
  const bool may_leave_out = !sei.general.hashes_all_types;
  const auto attempt = [&](std::size_t begin) -> std::optional<Located> {
    if (!reference_only_) {
      if (auto located = locate_exactly(sei, begin, false)) return located;
    }
    if (!may_leave_out) return std::nullopt;
    auto located = locate_exactly(sei, begin, true);
    if (located && !reference_only_) {
      reference_only_ = true;
      note(
          NoteKind::types_not_hashed, current_gop(), 1,
          std::string("the signer leaves some picture types out (as ") +
              (sei.general.format == Format::onvif ? "ONVIF's reference implementation" : "Axis' framework") +
              " does): those pictures are not covered");
    }
    return located;
  };
  const auto in_vain = [&](std::size_t begin, std::optional<Located>& located) {
    auto& unit = pending_[begin];
    if (unit.hash_attempts >= kMaxAttempts) return true;
    ++unit.hash_attempts;
    located = attempt(begin);
    return !located;
  };
  std::optional<Located> located;
  if (pending_.empty() || !in_vain(0, located)) return located;
  // Oldest beginnings first, as SEIs come in order; then the newest, in case what waits in front was changed
  // as a whole.
  const auto index_of = [&](std::uint64_t sequence) {
    return static_cast<std::size_t>(sequence - pending_.front().sequence);
  };
  const auto begins = waiting_anchors_.size();
  std::size_t tried = 0;
  std::size_t oldest = 0;
  for (; oldest < begins && oldest < kMaxStarts && tried < kMaxStarts / 2; ++oldest) {
    const auto begin = index_of(waiting_anchors_[oldest]);
    if (begin == 0) continue;
    ++tried;
    if (!in_vain(begin, located)) return located;
  }
  for (auto newest = begins; newest-- > oldest && tried < kMaxStarts; ++tried) {
    if (!in_vain(index_of(waiting_anchors_[newest]), located)) return located;
  }
  return std::nullopt;
}

// The GOP that ran when the SEI came: none after it is meant.
std::uint32_t Coverage::gop_before(const GopSei& sei) const {
  if (pending_.empty()) return 0;
  const auto first = pending_.front().sequence;
  if (sei.sequence <= first) return pending_.front().clip_gop;
  return pending_[std::min<std::size_t>(sei.sequence - first, pending_.size()) - 1].clip_gop;
}

std::optional<Coverage::Located> Coverage::locate_by_list(const GopSei& sei, Wait may_wait_for,
                                                          const GopSei* following, Wait& wait) {
  const auto size = crypto::digest_size(hash_);
  if (!sei.list || sei.list->empty() || sei.general.gop_hash.size != size) return std::nullopt;
  // The entry of the IDR picture is the anchor itself: it clears the others even if that picture is lost.
  crypto::Digest first;
  std::copy_n(sei.list->begin(), size, first.bytes.begin());
  first.size = static_cast<std::uint8_t>(size);
  std::vector<crypto::Digest> anchors{first};
  if (previous_ && previous_->partial && previous_->anchor) anchors.push_back(*previous_->anchor);
  // Pictures of still scenes are equal from GOP to GOP. If the GOP's own IDR picture is here, only what
  // stands behind it belongs to it; if not, everything but the GOP that is only beginning.
  std::optional<std::uint32_t> own_gop;
  const auto last_gop = gop_before(sei);
  // What so many lists did not know is passed over: the oldest units, as every search looks at all that wait.
  const auto given_up = static_cast<std::size_t>(
      std::partition_point(pending_.begin(), pending_.end(),
                           [](const auto& u) { return u.attempts >= kMaxAttempts; }) -
      pending_.begin());
  if (given_up == pending_.size()) return std::nullopt;
  auto candidate = std::lower_bound(anchors_.begin(), anchors_.end(), pending_[given_up].clip_gop,
                                    [](const auto& a, std::uint32_t gop) { return a.first < gop; });
  // IDR pictures of still scenes are equal, too (every second one, as idr_pic_id tells neighbours apart).
  // SEIs come in order: the oldest is meant, unless SEIs are gone.
  const auto is_ours = [&](const crypto::Digest& anchor) {
    return std::find(anchors.begin(), anchors.end(), anchor) != anchors.end();
  };
  for (; candidate != anchors_.end() && candidate->first <= last_gop; ++candidate) {
    if (is_ours(candidate->second) && (!own_gop || lost_ > 0)) own_gop = candidate->first;
  }
  // An IDR picture may have been lost behind the last one that came.
  const bool lost_inside =
      !gaps_.empty() && (waiting_anchors_.empty() || gaps_.back() > waiting_anchors_.back());
  const bool may_be_running =
      sei.general.partial || lost_inside || pending_.empty() || pending_.front().clip_gop == last_gop;
  std::vector<std::size_t> view;
  std::vector<Wanted> units;
  for (auto i = given_up; i < pending_.size(); ++i) {
    auto& unit = pending_[i];
    // An SEI is made when its units have passed: what stands behind it is another one's, or was moved there.
    if (unit.sequence >= sei.sequence && sei.general.format != Format::axis_legacy && !units.empty()) break;
    ++unit.attempts;
    if (reference_only_ && !unit.reference_hashed && !unit.hash.sei) continue;
    view.push_back(i);
    const bool elsewhere =
        at_end_ || (own_gop ? unit.clip_gop == *own_gop
                            : unit.clip_gop < last_gop || (may_be_running && unit.clip_gop == last_gop));
    const auto anchor = anchor_of(unit);
    const bool is_twin = own_gop && unit.clip_gop != *own_gop && anchor && is_ours(*anchor);
    units.push_back({&unit.hash, anchor, elsewhere, is_twin});
  }
  const auto match = match_list(engine_, hash_, units, *sei.list, anchors);
  if (match.matched == 0) return std::nullopt;
  // Units that the next SEI speaks of are not this one's.
  std::vector<std::uint32_t> claimed;
  if (following != nullptr && following->list && following->list->size() >= size &&
      following->general.gop_hash.size == size) {
    std::copy_n(following->list->begin(), size, anchors.emplace_back(first).bytes.begin());
    claimed = match_list(engine_, hash_, units, *following->list, anchors).slot;
  }
  auto located = read_match(sei, match, view, claimed, may_wait_for, wait);
  located.first_entry = first;
  located.anchor = match.anchor.empty() ? first : match.anchor;
  return located;
}

// Turns a match into steps: what stands between two matched units is altered as far as places and units pair
// up, the rest is missing or extra.
Coverage::Located Coverage::read_match(const GopSei& sei, const Match& match,
                                       const std::vector<std::size_t>& view,
                                       const std::vector<std::uint32_t>& claimed, Wait may_wait_for,
                                       Wait& wait) {
  const auto slots = static_cast<std::uint32_t>(match.found.size());
  std::vector<std::size_t> backbone;  // indices in view
  for (std::size_t i = 0; i < view.size(); ++i) {
    if (match.in_order[i]) backbone.push_back(i);
  }
  Located located;
  const bool tolerate_types = !sei.general.hashes_all_types;
  bool other_type_matched = false;
  for (std::size_t i = 0; i < view.size(); ++i) {
    other_type_matched =
        other_type_matched ||
        (match.slot[i] != kNoSlot && !pending_[view[i]].reference_hashed && !pending_[view[i]].hash.sei);
  }
  const auto left_out = [&](std::size_t unit) {
    return tolerate_types && !other_type_matched && !pending_[unit].reference_hashed &&
           !pending_[unit].hash.sei;
  };
  const auto places_between = [&](std::uint32_t begin, std::uint32_t end) {
    std::size_t count = 0;
    for (auto s = begin; s < end; ++s) count += match.found[s] ? 0U : 1U;
    return count;
  };
  // Units [begin, end) of the view against `places` unmatched places.
  const auto read_gap = [&](std::size_t begin, std::size_t end, std::size_t places,
                            std::uint64_t sequence_after) {
    const auto sequence_before = begin == 0 ? 0 : pending_[view[begin - 1]].sequence + 1;
    // A place without a unit, where something unrecognisable stands: a slice whose header was changed.
    const auto empty_places = [&] {
      for (; places > 0; --places) {
        const bool disguised = suspect_between(sequence_before, sequence_after);
        located.steps.push_back({disguised ? UnitStatus::altered : UnitStatus::missing, kNoUnit});
      }
    };
    // A unit of a type that is not hashed is probably what became of the one that is missing.
    if (std::all_of(view.begin() + static_cast<std::ptrdiff_t>(begin),
                    view.begin() + static_cast<std::ptrdiff_t>(end), left_out))
      empty_places();
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
    empty_places();
  };

  // Before the first match: units of the same GOP may be altered ones; earlier units are somebody else's.
  const auto first = backbone.front();
  const auto first_slot = match.slot[first];
  auto front_places = places_between(0, first_slot);
  auto front_begin = first;
  // The SEI before this one is not here, so that other pictures wait without one: those in front are this
  // GOP's only if they begin with an IDR picture in the list's first place that is not the right one, and not
  // that of the GOP before.
  const bool others_wait = lost_ > 0 || (piece_begins_ && !begins_recording(sei.general));
  const auto own_idr = [&](std::size_t places) {
    if (places == 0 || places > first) return false;
    const auto& unit = pending_[view[first - places]];
    return unit.hash.anchors && unit.hash.raw != match.anchor && unit.hash.raw != sei.general.linked_hash &&
           unit.clip_gop == pending_[view[first]].clip_gop;
  };
  const bool may_pair = !others_wait || own_idr(front_places);
  // What a network lost right before a unit fills its place: units in front of that are not there in its
  // stead.
  const auto behind_gap = [&](std::size_t i) {
    return std::binary_search(gaps_.begin(), gaps_.end(), pending_[view[i]].sequence);
  };
  while (may_pair && front_begin > 0 && first - front_begin < front_places && !behind_gap(front_begin) &&
         pending_[view[front_begin - 1]].clip_gop == pending_[view[first]].clip_gop) {
    --front_begin;
  }
  // An IDR picture whose header was changed no longer begins a GOP; it stands right before the first match
  // all the same.
  if (previous_ && previous_->placed && lost_ == 0 && unplaced_.empty()) front_begin = 0;
  located.begin = view[front_begin];
  const auto extra_front = first - front_begin > front_places ? first - front_begin - front_places : 0;
  if (extra_front > 0) located.begin = view[front_begin += extra_front];
  // What the clip begins without is no edit, unless something unrecognisable stands in its place.
  if (piece_begins_ && front_begin == 0 && front_places > first &&
      !suspect_between(0, pending_[view[first]].sequence)) {
    located.beginning_missing = true;
    front_places = first - front_begin;
  }
  read_gap(front_begin, first, front_places, pending_[view[first]].sequence);

  for (std::size_t b = 0; b < backbone.size(); ++b) {
    located.steps.push_back({UnitStatus::authentic, view[backbone[b]]});
    if (b + 1 < backbone.size()) {
      read_gap(backbone[b] + 1, backbone[b + 1],
               places_between(match.slot[backbone[b]] + 1, match.slot[backbone[b + 1]]),
               pending_[view[backbone[b + 1]]].sequence);
    }
  }

  // Behind the last match: as many units as there are places, up to the next GOP. Others wait for the next
  // SEI.
  const auto last = backbone.back();
  auto places = places_between(match.slot[last] + 1, slots);
  auto end = last + 1;
  std::size_t taken = 0;
  const auto ends_segment = [&](std::size_t i) {
    if (!claimed.empty() && claimed[i] != kNoSlot) return true;
    if (match.slot[i] == kNoSlot && behind_gap(i)) return true;
    if (!pending_[view[i]].hash.anchors) return false;
    // A last unit that looks like an IDR picture, where one place of this GOP is free: its header was
    // changed.
    return !(at_end_ && view[i] + 1 == pending_.size() && places > taken);
  };
  while (end < view.size() && !ends_segment(end) &&
         (taken < places || match.slot[end] != kNoSlot || left_out(view[end]))) {
    if (match.slot[end] == kNoSlot && !left_out(view[end])) ++taken;
    ++end;
  }
  const auto sequence_after =
      end < view.size() ? pending_[view[end]].sequence : pending_[view[end - 1]].sequence + 1;
  // The rest of the GOP may still come; and what comes tells whose the units behind the last match are.
  if (may_wait_for == Wait::units && places > taken && end + 1 >= view.size()) {
    wait = Wait::units;
  } else if (may_wait_for != Wait::nothing && (taken > 0 || places > taken)) {
    wait = Wait::sei;
  }
  read_gap(last + 1, end, places, sequence_after);
  located.end = view[end - 1] + 1;
  // Types that are never hashed and stand inside.
  if (reference_only_) {
    std::vector<Step> with_others;
    std::size_t next = located.begin;
    for (const auto& step : located.steps) {
      for (; step.unit != kNoUnit && next < step.unit; ++next)
        with_others.push_back({UnitStatus::not_covered, next});
      if (step.unit != kNoUnit) next = step.unit + 1;
      with_others.push_back(step);
    }
    located.steps = std::move(with_others);
  }
  return located;
}

}  // namespace camvault::signed_video

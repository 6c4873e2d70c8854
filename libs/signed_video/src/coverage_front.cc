// What are the units that wait in front of the ones an SEI was found for, and behind the last one?
#include <algorithm>

#include "coverage.h"

namespace camvault::signed_video {

// How many SEIs the first `count` units would have: one for each GOP, or part of one.
std::uint64_t Coverage::parts_of(std::size_t count) const {
  if (count == 0) return flushed_gops_;
  std::uint64_t gops = pending_.front().hash.anchors ? 0 : 1;
  for (std::size_t i = 0; i < count; ++i) gops += pending_[i].hash.anchors ? 1U : 0U;
  const auto parts = parts_seen_ ? (count + largest_segment_ - 1) / largest_segment_ : 1;
  return flushed_gops_ + std::max<std::uint64_t>(gops, parts);
}

// Does the clip still hold the GOPs whose SEIs are gone? Then only their signatures were taken away. The link
// names the GOP before; if that is altered as well, the number of GOPs tells.
bool Coverage::signature_was_removed(std::size_t count, const GopSei& next, std::uint64_t lost) const {
  for (std::size_t i = 0; i < count; ++i) {
    const auto& unit = pending_[i];
    if (unit.hash.raw == next.general.linked_hash) return true;
    if (unit.hash.anchors || unit.hash.sei) continue;
    const auto anchor = stream_anchor(unit.clip_gop);
    if (anchor && entry_of(engine_, hash_, unit.hash, *anchor) == next.general.linked_hash) return true;
  }
  return lost <= parts_of(count) || !is_one_gop(count);
}

// Who cuts out a run of GOPs cuts the SEI of the GOP before with it, because that stands behind its end. One
// GOP then stands without a signature, like the unsigned end of a recording. More than that was put there or
// robbed of its signatures.
bool Coverage::is_one_gop(std::size_t count) const {
  if (flushed_gops_ > 0) return false;
  std::size_t slices = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (pending_[i].hash.anchors && i > 0) return false;
    slices += pending_[i].picture_data ? 1U : 0U;
  }
  const bool continues = placed_ && placed_->partial;
  return count == 0 || ((pending_.front().hash.anchors || continues) && slices <= largest_segment_);
}

// `behind` is the first waiting unit that stands behind the gap.
void Coverage::count_missing_gops(std::uint64_t count, std::size_t behind, Record& record) {
  if (count == 0) return;
  ledger_.outcome().any_missing = true;
  ledger_.outcome().gops_missing =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(0xffffffff, ledger_.outcome().gops_missing + count));
  const auto begin = behind >= pending_.size() ? current_gop() + 1 : gop_of(pending_[behind]);
  note(NoteKind::gops_missing, begin, count,
       std::to_string(count) + (parts_seen_  ? " signed parts of GOPs are missing here"
                                : count == 1 ? " GOP is missing here"
                                             : " GOPs are missing here"));
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
  if (!gaps_.empty()) return;  // excuse_gap() says it
  note(NoteKind::sei_removed, gop_of(pending_.front()), count,
       invalid_sei_seen_ ? "pictures stand here whose signature does not verify"
                         : "pictures stand here whose signature was taken away");
}

// Of the first `count` units, those that an SEI without a match can have been meant for: they came before it
// did.
std::size_t Coverage::units_before_unplaced(std::size_t count) const {
  std::uint64_t until = 0;
  for (const auto& unplaced : unplaced_) {
    std::size_t i = 0;
    while (i < pending_.size() && pending_[i].sequence < unplaced.sei.sequence) ++i;
    // A GOP that goes on behind its SEI is not the one the SEI speaks about, unless that says it is a part.
    const bool goes_on = i > 0 && i < pending_.size() && pending_[i].clip_gop == pending_[i - 1].clip_gop;
    auto covered_until = unplaced.sei.sequence;
    if (goes_on && !unplaced.sei.general.partial) {
      while (i > 0 && !pending_[i].hash.anchors && pending_[i - 1].clip_gop == pending_[i].clip_gop) --i;
      covered_until = pending_[i].sequence;
    }
    until = std::max(until, covered_until);
  }
  std::size_t eligible = 0;
  while (eligible < count && pending_[eligible].sequence < until) ++eligible;
  return eligible;
}

// Can the first `count` units be what is left of the GOP that the clip begins in? SEIs without a match speak
// about it: the last of them, and those of its earlier parts.
bool Coverage::is_rest_of_gop(std::size_t count) const {
  auto first = unplaced_.size() - 1;
  while (first > 0 && unplaced_[first - 1].sei.general.partial) --first;
  const bool all_parts = !parts_seen_ || first > 0 || begins_recording(unplaced_[first].sei.general);
  const auto& last = unplaced_.back();
  // A list begins with the anchor and would have cleared them. But nobody quotes the anchor of a later part.
  if (!parts_seen_ && last.sei.list) return false;
  std::uint64_t places = 0;
  for (auto i = first; i < unplaced_.size(); ++i) {
    if (unplaced_[i].places == 0) return true;  // it does not say
    places += unplaced_[i].places;
  }
  std::uint64_t inside = 0;
  for (std::size_t i = 0; i < count && pending_[i].clip_gop == pending_.front().clip_gop; ++i)
    inside +=
        last.sei.general.hashes_all_types || pending_[i].reference_hashed || pending_[i].hash.sei ? 1U : 0U;
  return all_parts ? inside < places : inside <= places;  // the IDR picture is gone
}

// GOPs that SEIs speak of and that are gone as a whole: how many pictures they had is known.
void Coverage::add_missing_units(std::size_t behind, Record& record) {
  const auto slices = typical_slices();
  ledger_.outcome().any_missing = true;
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
      result.clip_picture =
          static_cast<std::uint32_t>(std::max<std::int64_t>(0, last_picture_ - picture_shift_ + 1));
      record.units.push_back(result);
    }
  }
  ledger_.outcome().gops_missing += static_cast<std::uint32_t>(unplaced_.size());
  note(NoteKind::gops_missing, record.missing_gops.back().gop, unplaced_.size(),
       "pictures that the signatures here speak of are gone");
}

// Only the first SEI of a recording links to nothing.
bool Coverage::begins_recording(const General& general) {
  const auto link = general.linked_hash.view();
  return !link.empty() && std::all_of(link.begin(), link.end(), [](auto byte) { return byte == 0; });
}

// Does that SEI, the first of a recording, speak about the metadata that the clip begins with, before any
// picture?
bool Coverage::leads_the_recording(const GopSei& sei) const {
  const std::size_t places = sei.general.unit_count;
  if (sei.general.format != Format::axis || places == 0 || places >= pending_.size()) return false;
  return begins_recording(sei.general) &&
         std::all_of(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(places),
                     [](const auto& u) { return u.leads && !u.picture_data; }) &&
         pending_[places].hash.anchors;
}

// What are the units that wait before the ones an SEI was found for?
std::vector<UnitStatus> Coverage::judge_front(std::size_t count, const GopSei* next, std::uint64_t lost,
                                              Record& record) {
  std::vector<UnitStatus> status(count, UnitStatus::not_covered);
  const bool head = piece_begins_;
  std::size_t eligible = 0;  // of the units, those that SEIs without a match can be meant for
  if (!unplaced_.empty()) {
    eligible = units_before_unplaced(count);
    if (lost > 0 && !head) {
      // SEIs are gone, and those that came next speak of units that are gone, too: a run of GOPs was removed,
      // unless the clip still holds all GOPs that the lost SEIs were for. What stands behind those SEIs is
      // the unsigned end, or lost its SEIs as well.
      const auto waiting = next == nullptr ? eligible : count;
      const auto parts = parts_of(waiting);
      if (parts > lost || !is_one_gop(waiting)) {
        note_removed_signature(lost, record);
      } else {
        count_missing_gops(lost - parts, count, record);
        add_missing_units(count, record);
      }
      return status;
    }
    std::uint64_t places = 0;
    for (const auto& unplaced : unplaced_) places += unplaced.places == 0 ? count : unplaced.places;
    // The GOP that the clip begins in cannot be checked when its IDR picture was cut away. If as many
    // pictures are here as the first SEIs of a recording speak of, none was.
    const auto& first = unplaced_.front();
    const bool all_here = begins_recording(first.sei.general) && eligible >= places;
    const bool fits = is_rest_of_gop(eligible);
    const bool began_inside = head && eligible > 0 && !pending_.front().hash.anchors && !all_here && fits &&
                              !leads_the_recording(first.sei);
    // Neither can pictures at the head whose SEI may be lost, while those of the SEI that came are gone.
    const bool others_wait =
        head && !began_inside && eligible > 0 && first.sei.list && first.places > 0 &&
        !begins_recording(first.sei.general) &&
        (eligible < first.places || !fits || pending_.front().hash.raw == first.sei.general.linked_hash);
    if (others_wait) {
      record.uncovered_is_tampering = true;
      note(NoteKind::unsigned_head, 0, eligible,
           "the first pictures have no signature, but it is not the end of a recording");
      add_missing_units(count, record);
      return status;
    }
    std::uint64_t claimed = 0;
    for (std::size_t i = 0; i < eligible; ++i) {
      if (began_inside && pending_[i].clip_gop == pending_.front().clip_gop) continue;
      status[i] = claimed < places ? UnitStatus::altered : UnitStatus::extra;
      ++claimed;
    }
    if (eligible == 0 && head) {
      note(NoteKind::beginning_missing, 0, unplaced_.size(),
           "the clip begins in the middle of a recording: GOPs before it are not here");
    } else if (eligible == 0) {
      add_missing_units(count, record);
    } else if (began_inside) {
      note(NoteKind::beginning_missing, 0, 1,
           "the clip begins inside a GOP: what is left of it cannot be verified");
    }
    const bool unsigned_behind = head && eligible < count && next != nullptr;
    if (!unsigned_behind && (eligible == count || eligible == 0 || head)) return status;
  }
  if (next == nullptr && !head && lost == 0 && previous_ && previous_->placed && !previous_->partial &&
      !stale_end_) {
    // The last signed GOP was complete: nothing belongs between it and the next IDR picture.
    for (std::size_t i = 0; i < count && !pending_[i].hash.anchors; ++i) {
      if (pending_[i].picture_data && pending_[i].clip_gop == pending_.front().clip_gop)
        status[i] = UnitStatus::extra;
    }
    // A legacy SEI speaks about the unit behind its GOP as well.
    if (count > 0 && !previous_->closing.empty() && previous_->anchor && previous_->signature_valid &&
        pending_.front().picture_data) {
      status.front() =
          closes(*previous_, pending_.front().hash.raw) ? UnitStatus::authentic : UnitStatus::altered;
    }
  }
  if (at_end_ && ends_before_) {
    for (std::size_t i = 0; i < count; ++i)
      if (pending_[i].clip_picture >= *ends_before_) status[i] = UnitStatus::extra;
  }
  if (next == nullptr || stale_end_ || joined_) return status;
  if (head) {
    if (count == 0) return status;
    // A clip may begin inside a GOP, but then an SEI for that GOP is here. What no SEI speaks of was put
    // here, or robbed of its signature.
    const bool very_first = begins_recording(next->general);
    const auto unsigned_begin = status.begin() + static_cast<std::ptrdiff_t>(eligible);
    if (very_first) std::fill(unsigned_begin, status.end(), UnitStatus::extra);
    record.uncovered_is_tampering = true;
    note(NoteKind::unsigned_head, 0, count - eligible,
         very_first ? "pictures stand before the first one that the camera recorded"
                    : "the first pictures have no signature, but it is not the end of a recording");
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
  std::vector<Wanted> units;
  for (std::size_t i = 0; i < status.size(); ++i) units.push_back({&pending_[i].hash, std::nullopt, true});
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

// Something was lost between these units and the SEI that came now: their signature may have been with it.
// Only what a hash list proves stands. gaps_ holds those since the first unit that waits.
void Coverage::excuse_gap(std::vector<UnitStatus>& status, bool uncertain, Record& record) {
  if (gaps_.empty()) return;
  record.lost_on_the_way = true;
  bool excused = std::exchange(record.uncovered_is_tampering, false);
  for (auto& s : status) {
    if (s != UnitStatus::extra && !(s == UnitStatus::altered && uncertain)) continue;
    s = UnitStatus::not_covered;
    excused = true;
  }
  if (!excused) return;
  ledger_.outcome().any_missing = true;
  note(NoteKind::lost_on_the_way, status.empty() ? current_gop() : gop_of(pending_.front()), status.size(),
       "something was lost on the way here; no signature reached the pictures around it");
}

void Coverage::settle_front(std::size_t count, const GopSei* next, std::uint64_t lost) {
  Record front;
  for (std::size_t i = 0; i < count; ++i) {
    front.units.push_back(
        result_of(pending_[i], UnitStatus::not_covered));  // numbered before what is missing behind them
    last_picture_ = std::max<std::int64_t>(last_picture_, front.units.back().picture);
  }
  Record record;
  record.state = front.state = RecordState::definite;
  // Whether the units that wait are the ones that SEIs without a match speak of is not certain behind a loss.
  const bool uncertain =
      lost > 0 || piece_begins_ ||
      std::any_of(unplaced_.begin(), unplaced_.end(), [](const auto& u) { return !u.sei.list; });
  auto status = judge_front(count, next, lost, record);
  find_moved(status, record.uncovered_is_tampering);
  excuse_gap(status, uncertain, record);
  if (count > 0) {
    SegmentSummary segment;
    segment.signature = invalid_sei_seen_ ? SignatureStatus::invalid : SignatureStatus::none;
    segment.gop = front.units.front().gop;
    front.segment = segment;
    front.uncovered_is_tampering = record.uncovered_is_tampering;
    front.lost_on_the_way = record.lost_on_the_way;
    for (std::size_t i = 0; i < count; ++i) {
      front.units[i].status = status[i];
      if (pending_[i].hash.sei) front.seis.emplace_back(pending_[i].sei, status[i]);
    }
    ledger_.push(std::move(front));
  }
  if (!record.missing_gops.empty()) ledger_.push(std::move(record));
  unplaced_.clear();
  invalid_sei_seen_ = false;
  // The next GOP's number follows from its units, not from the GOP before.
  if (previous_ && (lost > 0 || next == nullptr)) previous_->gop.reset();
  drop_front(count);
}

}  // namespace camvault::signed_video

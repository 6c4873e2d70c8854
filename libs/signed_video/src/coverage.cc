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

// At the end of a stream there is no next GOP: what a legacy list closes with is the last picture itself.
void Coverage::take_last_unit(GopSei& sei, Located& located) const {
  if (sei.closing.empty() || located.end >= pending_.size() || pending_[located.end].hash.anchors) return;
  if (entry_of(engine_, hash_, pending_[located.end].hash, located.anchor) != sei.closing) return;
  located.steps.push_back({UnitStatus::authentic, located.end++});
  sei.closing = {};
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

void Coverage::finish(std::optional<std::uint32_t> ends_before) {
  at_end_ = true;
  ends_before_ = ends_before;
  if (deferred_) settle_deferred(Wait::nothing, nullptr);
  ledger_.close([&](const Record& record) {
    note(NoteKind::unsigned_tail, record.segment->gop, record.units.size(),
         "pictures at the end wait for a signature that is not in the clip and are not covered");
  });
  const auto tail = pending_.size();
  const bool behind_end = tail > 0 && ends_before_ && pending_.front().clip_picture >= *ends_before_;
  if (tail > 0 && unplaced_.empty() && !stale_end_ && !behind_end) {
    note(NoteKind::unsigned_tail, current_gop(), tail,
         "the last pictures come after the last signature and are not covered");
  }
  if (tail > 0 || !unplaced_.empty()) settle_front(tail, nullptr, lost_);
}

}  // namespace camvault::signed_video

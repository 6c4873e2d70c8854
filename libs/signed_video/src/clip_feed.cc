#include "camvault/signed_video/clip_feed.h"

namespace camvault::signed_video {

ClipFeed::ClipFeed(codec::UnitSource& clip, Verifier& verifier) : clip_(clip), verifier_(verifier) {
  for (const auto& track : clip.info().not_comparable) verifier.cannot_compare(track);
}

Result<std::span<const codec::Unit>> ClipFeed::next() {
  for (;;) {
    CAM_TRY(const auto units, clip_.read());
    const auto side = clip_.side();
    note_times(units);
    verifier_.add(units);
    for (const auto& sample : side) verifier_.add_side(sample);
    // A track may be longer than the pictures.
    if (!units.empty() || side.empty()) return units;
  }
}

void ClipFeed::note_times(std::span<const codec::Unit> units) {
  for (const auto& unit : units) {
    if (!unit.container_time) continue;
    if (!first_ || *unit.container_time < *first_) first_ = unit.container_time;
    if (last_ && *unit.container_time <= *last_) continue;
    before_last_ = last_;
    last_ = unit.container_time;
  }
}

std::optional<Ticks> ClipFeed::duration() const {
  if (!last_) return std::nullopt;
  return *last_ - *first_ + (before_last_ ? *last_ - *before_last_ : Ticks(0));
}

}  // namespace camvault::signed_video

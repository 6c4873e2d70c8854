#include "access_units.h"

namespace camvault::cli {

using codec::UnitKind;

bool AccessUnitReader::starts_new(const codec::Unit& unit, const codec::UnitInfo& info) const {
  const auto& before = pending_.back();
  // A container's samples are its access units.
  if (unit.container_time && before.container_time) return *unit.container_time != *before.container_time;
  if (!pending_slices_) return false;
  const bool h264 = source_.info().codec == codec::Codec::h264;
  switch (info.kind) {
    case UnitKind::slice:
      return info.first_slice;
    case UnitKind::parameter_set:
      return true;
    case UnitKind::sei:
      return h264 || info.type == 39;  // a suffix SEI (40) belongs to its picture
    case UnitKind::delimiter:
      return info.type == (h264 ? 9 : 35);  // AUD; end of sequence and filler stay behind
    case UnitKind::other:
      return h264 && info.type >= 14 && info.type <= 18;
    case UnitKind::broken:
      return false;
  }
  return false;
}

// The source is about to reuse its memory: what it gave and we have not passed on is copied.
void AccessUnitReader::keep_pending() {
  pending_bytes_.reserve(pending_.size());
  for (; kept_ < pending_.size(); ++kept_) {
    pending_bytes_.push_back(to_bytes(pending_[kept_].bytes));
    pending_[kept_].bytes =
        pending_bytes_.back();  // a vector's heap block stays where it is when the vector moves
  }
}

AccessUnitView AccessUnitReader::take(bool last) {
  given_ = std::move(pending_);
  given_bytes_ = std::move(pending_bytes_);
  pending_.clear();
  pending_bytes_.clear();
  kept_ = 0;
  AccessUnitView view{given_, given_.front().container_time, pending_key_, last};
  pending_slices_ = pending_key_ = false;
  return view;
}

Result<std::optional<AccessUnitView>> AccessUnitReader::next() {
  for (;;) {
    for (; position_ < run_.size(); ++position_) {
      const auto& unit = run_[position_];
      const auto info = codec::classify(source_.info().codec, unit.bytes);
      if (!pending_.empty() && starts_new(unit, info)) return take(false);
      if (pending_.size() == kMaxUnits) return fail(Errc::limit, "a picture has more than 200,000 units");
      pending_.push_back(unit);
      pending_slices_ |= info.kind == UnitKind::slice;
      pending_key_ |= info.gop_start;
    }
    if (ended_) return pending_.empty() ? std::optional<AccessUnitView>{} : take(true);
    keep_pending();
    CAM_TRY(run_, source_.read());
    position_ = 0;
    ended_ = run_.empty();
  }
}

}  // namespace camvault::cli

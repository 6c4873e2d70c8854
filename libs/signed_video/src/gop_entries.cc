#include "gop_entries.h"

#include <algorithm>

#include "camvault/codec/unit.h"

namespace camvault::signed_video {

GopEntries::GopEntries(const crypto::Engine& engine, crypto::HashAlg hash)
    : engine_(engine), hash_(hash), lanes_(engine.lanes(hash)) {
  if (lanes_->room() < kFewLanes) {
    lanes_.reset();
  } else {
    copies_.resize(lanes_->room());
  }
}

void GopEntries::take_zeros_as_anchor() {
  anchor_ = {};
  anchor_.size = static_cast<std::uint8_t>(crypto::digest_size(hash_));
  has_anchor_ = true;
}

Hashable& GopEntries::place(bool anchors, bool begins_picture) {
  if (begins_picture) picture_begins_.push_back(units_.size());
  has_anchor_ = has_anchor_ || anchors;
  auto& unit = units_.emplace_back();
  unit.anchors = anchors;
  return unit;
}

void GopEntries::add(BytesView unit, bool anchors, bool begins_picture) {
  unit = codec::without_trailing_zeros(unit);
  auto& at = place(anchors, begins_picture);
  if (lanes_ && unit.size() <= kLargeUnit) {
    hash_later(unit, at);
  } else {
    at.raw = engine_.digest(hash_, unit);
  }
}

void GopEntries::add(const crypto::Digest& raw, bool anchors, bool begins_picture) {
  place(anchors, begins_picture).raw = raw;
}

void GopEntries::add_sei(const crypto::Digest& whole) {
  auto& at = place(false, false);
  at.sei = true;
  at.raw = whole;
}

void GopEntries::hash_later(BytesView unit, Hashable& at) {
  if (lanes_->room() == 0) lanes_->advance();
  // Where a digest came, the bytes are not needed any more.
  const auto free = std::find_if(copies_.begin(), copies_.end(),
                                 [](const Copy& c) { return c.of == nullptr || !c.of->raw.empty(); });
  free->bytes.assign(unit.begin(), unit.end());
  free->of = &at;
  ++left_;
  lanes_->give(free->bytes, at.raw, left_);
}

GopEntries::Closed GopEntries::close() {
  while (lanes_ && !lanes_->idle()) lanes_->advance();
  for (auto& copy : copies_) copy.of = nullptr;
  Closed closed;
  closed.list.reserve(units_.size() * crypto::digest_size(hash_));
  std::vector<const Hashable*> run;
  const auto flush = [&] {
    append_entries(engine_, hash_, run, anchor_, closed.list);
    run.clear();
  };
  for (const auto& unit : units_) {
    if (unit.anchors) {
      flush();
      anchor_ = unit.raw;
    }
    run.push_back(&unit);
  }
  flush();
  closed.first.size = static_cast<std::uint8_t>(crypto::digest_size(hash_));
  if (!closed.list.empty()) std::copy_n(closed.list.begin(), closed.first.size, closed.first.bytes.begin());
  for (const auto begin : picture_begins_) closed.pictures.push_back(units_[begin].raw);
  units_.clear();
  picture_begins_.clear();
  return closed;
}

}  // namespace camvault::signed_video

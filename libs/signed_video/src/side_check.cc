#include "side_check.h"

#include <cstring>

namespace camvault::signed_video {

namespace {
constexpr std::int64_t kSecond = 10'000'000;
constexpr std::size_t kMaxKnownTags = 16'384;
// Encoders begin with up to three samples of silence, and containers differ in whether those count.
constexpr std::uint32_t kDelaySamples = 3;
}  // namespace

std::size_t SideCheck::TagHash::operator()(const SampleTag& tag) const {
  // A hash already; tags of an adversary's making only slow down their own clip's small window.
  std::size_t value = 0;
  std::memcpy(&value, tag.data(), sizeof value);
  return value;
}

void SideCheck::add_found(const FoundSample& sample) {
  ++counts_.found;
  if (found_.size() == kMaxQueue) {
    ++counts_.not_covered;
    found_.pop_front();
  }
  found_.push_back(sample);
}

void SideCheck::remember(const SampleTag& tag) {
  if (known_order_.size() == kMaxKnownTags) {
    const auto oldest = known_tags_.find(known_order_.front());
    if (--oldest->second == 0) known_tags_.erase(oldest);
    known_order_.pop_front();
  }
  known_order_.push_back(tag);
  ++known_tags_[tag];
}

void SideCheck::add_signed(const TrackSection& section, std::uint32_t session) {
  signed_any_ = true;
  const bool new_session = std::exchange(session_, session) != session;
  bool follows = !new_session && next_number_ && *next_number_ == section.first;
  auto number = section.first;
  for (const auto& sample : section.samples) {
    Wanted wanted;
    wanted.tag = sample.tag;
    wanted.number = number++;
    wanted.session = session;
    wanted.follows = std::exchange(follows, true);
    if (sample.offset != kNoOffset)
      wanted.time = section.base + std::int64_t{sample.offset} * kTicksPerOffset;
    if (wanted.time && last_signed_time_ && wanted.follows)
      longest_step_ = std::max(longest_step_, std::min(*wanted.time - *last_signed_time_, kSecond));
    last_signed_time_ = wanted.time;
    if (wanted_.size() == kMaxQueue) wanted_.pop_front();
    wanted_.push_back(wanted);
    remember(sample.tag);
  }
  next_number_ = number;
}

bool SideCheck::recognises(const TrackSection& section) const {
  const auto some = std::min(section.samples.size(), kWindow);
  for (std::size_t i = 0; i < std::min(found_.size(), kWindow); ++i) {
    for (std::size_t k = 0; k < some; ++k) {
      if (section.samples[k].tag == found_[i].tag) return true;
    }
  }
  return false;
}

bool SideCheck::fits(const Wanted& wanted, const FoundSample& found, const Pictures& pictures) const {
  if (!wanted.time || !found.time) return false;
  if (times_.known()) return times_.fits(*wanted.time, *found.time, 0);
  return pictures.times != nullptr && pictures.times->known() &&
         pictures.times->fits(*wanted.time, *found.time, kDelaySamples * sample_duration());
}

std::size_t SideCheck::run_length(std::size_t wanted, std::size_t found) const {
  std::size_t length = 0;
  while (length < kConfirm && wanted + length < wanted_.size() && found + length < found_.size() &&
         wanted_[wanted + length].tag == found_[found + length].tag) {
    ++length;
  }
  return length;
}

// The nearest place from which on both agree. Silence looks like silence: places where the times agree, too,
// come first.
std::optional<SideCheck::Resync> SideCheck::find_way_on(const Pictures& pictures) {
  if (search_budget_ <= 0) return std::nullopt;
  std::unordered_map<SampleTag, std::vector<std::size_t>, TagHash> places;
  const auto wanted_end = std::min(wanted_.size(), kWindow);
  const auto found_end = std::min(found_.size(), kWindow);
  for (std::size_t i = 0; i < wanted_end; ++i) {
    auto& list = places[wanted_[i].tag];
    if (list.size() < kLookAhead) list.push_back(i);
  }
  search_budget_ -= static_cast<std::int64_t>(wanted_end + found_end);
  std::optional<Resync> best;
  std::optional<Resync> best_in_time;
  const auto nearer = [](const std::optional<Resync>& a, std::size_t i, std::size_t j) {
    return !a || i + j < a->skip_wanted + a->skip_found;
  };
  for (std::size_t j = 0; j < found_end; ++j) {
    const auto at = places.find(found_[j].tag);
    if (at == places.end()) continue;
    search_budget_ -= static_cast<std::int64_t>(at->second.size());
    for (const auto i : at->second) {
      const bool in_time = fits(wanted_[i], found_[j], pictures);
      if (!nearer(in_time ? best_in_time : best, i, j)) continue;
      const auto confirmed = run_length(i, j);
      const auto possible = std::min({kConfirm, wanted_.size() - i, found_.size() - j});
      if (confirmed < possible) continue;
      (in_time ? best_in_time : best) = Resync{i, j};
    }
  }
  return best_in_time ? best_in_time : best;
}

void SideCheck::note_wrong(const FoundSample& sample) {
  if (!first_wrong_ && sample.time) first_wrong_ = sample.time;
}

void SideCheck::match() {
  const auto& wanted = wanted_.front();
  const auto& found = found_.front();
  // Some containers show the encoder's first, silent samples at another time, or not at all.
  const bool may_shift = gap_ || !wanted.follows || counts_.authentic < kDelaySamples;
  times_.enter_session(wanted.session);
  if (wanted.time && found.time && !times_.add(*wanted.time, *found.time, may_shift)) {
    ++counts_.retimed;
    note_wrong(found);
  }
  ++counts_.authentic;
  matched_any_ = true;
  gap_ = false;
  wanted_.pop_front();
  found_.pop_front();
}

bool SideCheck::has_pictures(const Wanted& wanted, const Pictures& pictures) {
  return wanted.time && pictures.begin && pictures.end && *wanted.time > *pictures.begin + kSecond &&
         *wanted.time < *pictures.end - kSecond;
}

// Signed samples that are not here. At the ends of a clip they were cut off with the pictures.
void SideCheck::drop_wanted(std::size_t count, const Pictures& pictures, bool between) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto& wanted = wanted_.front();
    if (between || has_pictures(wanted, pictures)) ++counts_.missing;
    gap_ = true;
    wanted_.pop_front();
  }
}

void SideCheck::drop_found(std::size_t count, bool extra) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto& sample = found_.front();
    if (!extra) {
      ++counts_.not_covered;
    } else {
      ++(known_tags_.contains(sample.tag) ? counts_.out_of_place : counts_.extra);
      note_wrong(sample);
    }
    gap_ = true;
    found_.pop_front();
  }
}

void SideCheck::advance(const Pictures& pictures, bool at_end) {
  while (!wanted_.empty() && !found_.empty()) {
    const bool equal = wanted_.front().tag == found_.front().tag;
    // In a row, or where the times say so, equal is enough.
    if (equal && ((!gap_ && wanted_.front().follows) || fits(wanted_.front(), found_.front(), pictures))) {
      match();
      continue;
    }
    if (!at_end && (wanted_.size() < kLookAhead || found_.size() < kLookAhead)) return;
    const auto way = find_way_on(pictures);
    if (!way && !matched_any_ && !at_end) {
      // Nothing in common yet: the clip may begin behind what was signed so far.
      if (wanted_.size() < kWindow) return;
      drop_wanted(wanted_.size() - kWindow / 2, pictures, false);
      return;
    }
    if (!way && !matched_any_) break;
    const bool first = !matched_any_;
    const auto skip_wanted = way ? way->skip_wanted : 1;
    const auto skip_found = way ? way->skip_found : 1;
    // Before the first sample that is known, and where a supplement is not here, nothing is said about what
    // stands there; but nothing stands before a recording's first sample.
    bool continuous = !first;
    for (std::size_t i = 0; i <= skip_wanted && i < wanted_.size(); ++i)
      continuous = continuous && wanted_[i].follows;
    // Where signed samples are missing although their pictures are here, others stand in their place; a bit
    // of silence that fits by chance does not make them the camera's.
    bool in_their_place = false;
    for (std::size_t i = 0; i < skip_wanted && i < wanted_.size(); ++i)
      in_their_place = in_their_place || (first && has_pictures(wanted_[i], pictures));
    const bool extra =
        continuous || in_their_place || (first && wanted_.front().number == 0 && skip_wanted == 0);
    const auto altered = continuous ? std::min(skip_wanted, skip_found) : 0;
    for (std::size_t i = 0; i < altered; ++i) {
      ++(known_tags_.contains(found_.front().tag) ? counts_.out_of_place : counts_.altered);
      note_wrong(found_.front());
      wanted_.pop_front();
      found_.pop_front();
      gap_ = true;
    }
    drop_wanted(skip_wanted - altered, pictures, continuous);
    drop_found(skip_found - altered, extra);
    if (way && !wanted_.empty() && !found_.empty()) match();
  }
  if (!at_end) return;
  if (signed_any_ && !matched_any_ && !found_.empty()) {
    // Sound, but none of it is what the camera signed.
    counts_.altered += std::exchange(counts_.not_covered, 0) + found_.size();
    note_wrong(found_.front());
    found_.clear();
    wanted_.clear();
    return;
  }
  drop_found(found_.size(), false);
  if (matched_any_) drop_wanted(wanted_.size(), pictures, false);
  wanted_.clear();
}

bool SideCheck::out_of_sync(const TimeCheck& pictures) const {
  const auto allowed = kDelaySamples * sample_duration() + 2 * TimeCheck::kTolerance;
  for (const auto& mine : times_.stretches()) {
    for (const auto& theirs : pictures.stretches()) {
      const auto begin = std::max(mine.begin, theirs.begin);
      const auto end = std::min(mine.end, theirs.end);
      if (mine.session != theirs.session || end - begin < kSecond / 2) continue;
      const auto apart = mine.difference - theirs.difference;
      if (apart > allowed || apart < -allowed) return true;
    }
  }
  return false;
}

}  // namespace camvault::signed_video

#include "supplement_check.h"

#include <algorithm>
#include <unordered_map>

#include "supplement_collector.h"

namespace camvault::signed_video {

void SupplementCheck::add_picture(const crypto::Digest& first_slice, bool starts_gop, std::uint32_t number,
                                  std::optional<std::int64_t> container_time) {
  Picture picture;
  picture.first_slice = first_slice;
  picture.starts_gop = starts_gop;
  picture.number = number;
  picture.time = container_time;
  picture.sets = std::exchange(next_sets_, {});
  picture.units = std::exchange(next_units_, {});
  if (starts_gop) ++gops_waiting_;
  pictures_.push_back(std::move(picture));
  // Whoever writes no supplements does not make us keep the clip.
  const bool too_many = pictures_.size() > kMaxPictures;
  const bool too_old = pictures_.size() > kKeptPictures && gops_waiting_ > kKeptGops;
  if (too_many || too_old) pass_over(1);
}

void SupplementCheck::add_unit(BytesView unit, const codec::UnitInfo& info, bool out_of_band) {
  switch (info.kind) {
    case codec::UnitKind::slice:
    case codec::UnitKind::delimiter:
      return;
    case codec::UnitKind::parameter_set:
      ++sets_found_;
      if (next_sets_.size() < kMaxUnitsOfPicture) {
        next_sets_.push_back({codec::identify_parameter_set(codec_, unit),
                              ParameterSetTable::hash256(engine_, codec::without_trailing_zeros(unit)),
                              out_of_band});
        if (out_of_band && header_.size() < kMaxHeaderSets) header_.push_back(next_sets_.back());
      }
      return;
    case codec::UnitKind::sei:
      if (!out_of_band) break;
      ++units_found_;
      if (header_.size() < kMaxHeaderSets && header_seis_ < kMaxHeaderSets)
        header_.push_back({{info.type, header_seis_++},
                           ParameterSetTable::hash256(engine_, codec::without_trailing_zeros(unit)),
                           true});
      return;
    default:
      break;
  }
  ++units_found_;
  const bool before = belongs_to_picture_before(codec_, info.type) && !pictures_.empty();
  auto& units = before ? pictures_.back().units : next_units_;
  if (units.size() < kMaxUnitsOfPicture)
    units.push_back({info.type, ParameterSetTable::hash256(engine_, codec::without_trailing_zeros(unit))});
}

void SupplementCheck::replace_hashes(const std::deque<crypto::Digest>& hashes) {
  const auto count = std::min(hashes.size(), pictures_.size());
  for (std::size_t i = 0; i < count; ++i)
    pictures_[pictures_.size() - count + i].first_slice = hashes[hashes.size() - count + i];
}

void SupplementCheck::gop_signed(std::uint32_t counter, const crypto::Digest& gop_hash, bool promised,
                                 std::uint32_t gop) {
  const auto found = accompanied_.find(counter);
  const bool lost = std::exchange(lost_on_the_way_, false);
  if (lost || (found != accompanied_.end() && found->second == gop_hash)) return;
  (promised ? without_promised_ : without_).add(gop, 0);
}

void SupplementCheck::take(Supplement supplement, std::uint32_t gop) {
  ++supplements_;
  const bool new_session = !session_ || *session_ != supplement.session;
  at_first_supplement_ = new_session;
  if (new_session) {
    session_ = supplement.session;
    ++sessions_;
    gap_ = true;
    previous_ended_ = ended_;
    ended_ = false;
    times_.enter_session(sessions_);
  }
  for (const auto& section : supplement.gops) {
    if (accompanied_.size() == kMaxRemembered) accompanied_.clear();
    accompanied_[section.counter] = section.gop_hash;
    check_gop(section, gop);
  }
  for (const auto& section : supplement.tracks) take_track(section);
  advance_tracks(false);
}

std::optional<std::size_t> SupplementCheck::find_next(const GopSection& gop) const {
  if (gop.next.empty()) return std::nullopt;
  for (auto i = pictures_.size(); i > 0; --i) {
    if (pictures_[i - 1].first_slice == gop.next) return i - 1;
  }
  return std::nullopt;
}

// Where the pictures of a GOP stand in the clip. Empty when it is not there.
std::vector<std::size_t> SupplementCheck::locate(const GopSection& gop, std::size_t& end) const {
  const auto count = gop.pictures.size();
  std::vector<std::size_t> places(count, kNotHere);
  end = 0;
  if (count == 0) return {};
  const auto tag = [this](std::size_t i) { return tag_of(pictures_[i].first_slice); };
  const auto here = [&](std::size_t begin) {
    if (pictures_.size() - begin < count) return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (tag(begin + i) != gop.pictures[i].tag) return false;
    }
    return true;
  };
  if (!pictures_.empty() && here(0)) {
    for (std::size_t i = 0; i < count; ++i) places[i] = i;
    end = count;
    return places;
  }
  // The GOP ends before the picture that it links to; if that is lost, before the GOP that runs now.
  auto limit = pictures_.size();
  if (const auto next = find_next(gop)) {
    limit = *next;
  } else if (!gop.partial) {
    auto last = pictures_.size();
    while (last > 0 && !pictures_[last - 1].starts_gop) --last;
    if (last > 0 && tag(last - 1) != gop.pictures[0].tag) limit = last - 1;
  }
  std::size_t begin = 0;
  while (begin < limit && tag(begin) != gop.pictures[0].tag) ++begin;
  if (begin == limit) begin = 0;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_tag;
  for (std::size_t i = 0; i < count; ++i) by_tag[gop.pictures[i].tag].push_back(i);
  std::size_t next = 0;  // picture of the GOP
  std::size_t matched = 0;
  for (auto i = begin; i < limit && next < count; ++i) {
    const auto found = by_tag.find(tag(i));
    if (found == by_tag.end()) continue;
    const auto at = std::lower_bound(found->second.begin(), found->second.end(), next);
    if (at == found->second.end()) continue;
    places[*at] = i;
    next = *at + 1;
    end = i + 1;
    ++matched;
  }
  // Pictures of still scenes look alike: a few that fit do not make a GOP.
  if (matched == 0 || (places[0] == kNotHere && matched * 2 < count)) return {};
  return places;
}

void SupplementCheck::apply_sets(const Picture& picture) {
  for (const auto& mention : picture.sets) decoder_[mention.id] = mention.hash;
  // More than any stream has; a hostile one must not make us keep more.
  constexpr std::size_t kMaxSets = 4096;
  if (decoder_.size() > kMaxSets) decoder_.clear();
}

// The header is for the whole clip: that its units are the camera's shows with whatever GOP is found.
void SupplementCheck::compare_header(const SignedParameterSet& signed_set) {
  const codec::ParameterSetId id{signed_set.type, signed_set.id};
  if (is_header_sei(codec_, id.type) && signed_header_seis_.size() < kMaxHeaderSets)
    signed_header_seis_.insert({id.type, signed_set.hash});
  header_standing_.resize(header_.size(), Standing::unknown);
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (header_standing_[i] == Standing::covered || header_[i].id != id) continue;
    header_standing_[i] = header_[i].hash == signed_set.hash ? Standing::covered : Standing::contradicted;
  }
}

// Some players ask the header and not the stream: a set that is none of the camera's, under a number that it
// used, was changed, even if the stream replaces it.
void SupplementCheck::judge_sets() {
  // A set that is not here, and one of its kind that the camera never sent: its number was changed.
  const bool renumbered = std::any_of(missing_types_.begin(), missing_types_.end(),
                                      [&](std::uint8_t type) { return foreign_types_.contains(type); });
  if (renumbered) sets_altered_.add(sets_missing_.gop, sets_missing_.picture);
  header_standing_.resize(header_.size(), Standing::unknown);
  for (std::size_t i = 0; i < header_.size(); ++i) {
    const bool is_sei = is_header_sei(codec_, header_[i].id.type);
    if (header_standing_[i] == Standing::covered) ++(is_sei ? units_covered_ : sets_covered_);
    if (header_standing_[i] == Standing::contradicted && (is_sei || sets_altered_.count == 0))
      (is_sei ? units_altered_ : sets_altered_).add(0, 0);
  }
}

void SupplementCheck::drop_front(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (pictures_.front().starts_gop) --gops_waiting_;
    pictures_.pop_front();
  }
}

// Pictures that no supplement speaks about.
void SupplementCheck::pass_over(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) apply_sets(pictures_[i]);
  if (count > 0 && !behind_) behind_ = {pictures_.front().first_slice, pictures_.front().number};
  if (count > 0) gap_ = true;
  drop_front(count);
}

void SupplementCheck::check_gop(const GopSection& gop, std::uint32_t in_gop) {
  std::size_t end = 0;
  const auto places = locate(gop, end);
  if (places.empty()) {
    gap_ = true;
    return;
  }
  if (last_counter_ && gop.counter - *last_counter_ != 1) gap_ = true;
  last_counter_ = gop.counter;
  ++gops_checked_;
  ParameterSetTable::Map wanted;
  auto set = gop.parameter_sets.begin();
  auto unit = gop.units.begin();
  std::size_t passed = 0;
  std::vector<codec::ParameterSetId> changed;
  for (std::size_t i = 0; i < places.size(); ++i) {
    for (; set != gop.parameter_sets.end() && set->picture == i; ++set) {
      compare_header(*set);
      const codec::ParameterSetId id{set->type, set->id};
      if (is_header_sei(codec_, id.type)) continue;  // tools leave it out or move it into the stream
      wanted[id] = set->hash;
      changed.push_back(id);
    }
    const auto units_begin = unit;
    while (unit != gop.units.end() && unit->picture == i) ++unit;
    if (places[i] == kNotHere) {
      gap_ = true;
      if (lost_units_.size() < kMaxUnitsOfPicture) lost_units_.insert(lost_units_.end(), units_begin, unit);
      continue;
    }
    if (places[i] > passed) {
      for (auto k = passed; k < places[i]; ++k) apply_sets(pictures_[k]);
      gap_ = true;
    }
    passed = places[i] + 1;
    const auto& picture = pictures_[places[i]];
    check_sets(picture, wanted, changed, in_gop);
    changed.clear();
    // No pair of iterators: the browser's standard library cannot make a span of them.
    const auto units = std::span<const SignedUnit>(gop.units).subspan(
        static_cast<std::size_t>(units_begin - gop.units.begin()),
        static_cast<std::size_t>(unit - units_begin));
    check_units(picture, units, in_gop);
    if (gop.pictures[i].offset != kNoOffset) {
      const auto time = gop.base + std::int64_t{gop.pictures[i].offset} * kTicksPerOffset;
      covered_begin_ = std::min(covered_begin_.value_or(time), time);
      covered_end_ = std::max(covered_end_.value_or(time), time);
      if (picture.time) {
        ++times_compared_;
        if (!times_.add(time, *picture.time, gap_)) times_altered_.add(in_gop, picture.number);
      }
    }
    gap_ = false;
  }
  drop_front(end);
  next_ = gop.next;
  ended_ = gop.last;
  behind_.reset();
  found_gop_ = true;
}

// The decoder must have what the camera's decoder has; and what stands in the stream must be what it sent,
// even if the decoder makes nothing of it.
void SupplementCheck::check_sets(const Picture& picture, const ParameterSetTable::Map& wanted,
                                 const std::vector<codec::ParameterSetId>& changed, std::uint32_t in_gop) {
  auto look_at = changed;
  bool counted = false;
  for (const auto& mention : picture.sets) {
    look_at.push_back(mention.id);
    const auto signed_set = wanted.find(mention.id);
    if (signed_set == wanted.end()) {
      foreign_types_.insert(mention.id.type);
      continue;
    }
    if (signed_set->second == mention.hash) {
      if (!mention.out_of_band) ++sets_covered_;
    } else if (!mention.out_of_band) {
      sets_altered_.add(in_gop, picture.number);
      counted = true;
    }
  }
  apply_sets(picture);
  for (const auto& id : look_at) {
    const auto signed_set = wanted.find(id);
    if (signed_set == wanted.end()) continue;
    const auto here = decoder_.find(id);
    if (here == decoder_.end()) {
      sets_missing_.add(in_gop, picture.number);
      missing_types_.insert(id.type);
    } else if (here->second != signed_set->second && !counted) {
      sets_altered_.add(in_gop, picture.number);
    }
  }
}

void SupplementCheck::check_units(const Picture& picture, std::span<const SignedUnit> wanted,
                                  std::uint32_t in_gop) {
  const bool same =
      std::equal(wanted.begin(), wanted.end(), picture.units.begin(), picture.units.end(),
                 [](const SignedUnit& a, const Other& b) { return a.type == b.type && a.hash == b.hash; });
  if (same) {
    units_covered_ += wanted.size();
    lost_units_.clear();
    return;
  }
  // A picture was lost on the way, but not what stood before it.
  const auto was_lost = [&](const Other& unit) {
    const auto found = std::find_if(lost_units_.begin(), lost_units_.end(), [&](const SignedUnit& lost) {
      return lost.type == unit.type && lost.hash == unit.hash;
    });
    if (found == lost_units_.end()) return false;
    lost_units_.erase(found);
    return true;
  };
  // Few units belong to a picture; both sides are bounded.
  std::map<std::pair<std::uint8_t, Hash256>, std::int64_t> balance;
  for (const auto& unit : wanted) ++balance[{unit.type, unit.hash}];
  std::uint64_t extra = 0;
  for (const auto& unit : picture.units) {
    auto& left = balance[{unit.type, unit.hash}];
    if (left > 0) {
      ++units_covered_;
    } else if (was_lost(unit) || signed_header_seis_.contains({unit.type, unit.hash})) {
      ++units_covered_;
      continue;
    } else {
      ++extra;
    }
    --left;
  }
  lost_units_.clear();
  std::uint64_t missing = 0;
  for (const auto& [unit, left] : balance) missing += left > 0 ? static_cast<std::uint64_t>(left) : 0;
  const auto altered = std::min(extra, missing);
  if (altered > 0) units_altered_.add(in_gop, picture.number, altered);
  if (extra > altered) units_extra_.add(in_gop, picture.number, extra - altered);
  if (missing > altered) units_missing_.add(in_gop, picture.number, missing - altered);
}

// Tracks

void SupplementCheck::add_sample(const SideSample& sample) {
  auto track = tracks_.find(sample.track);
  if (track == tracks_.end()) {
    if (tracks_.size() == kMaxTracks) return;
    track = tracks_.emplace(sample.track, SideCheck(sample.kind)).first;
  }
  FoundSample found;
  const auto hash = ParameterSetTable::hash256(engine_, sample.bytes);
  std::copy_n(hash.begin(), found.tag.size(), found.tag.begin());
  if (sample.time) found.time = sample.time->count();
  track->second.add_found(found);
}

SideCheck::Pictures SupplementCheck::covered_pictures() const {
  return {covered_begin_, covered_end_, &times_};
}

void SupplementCheck::advance_tracks(bool at_end) {
  for (auto& [id, track] : tracks_) track.advance(covered_pictures(), at_end);
}

void SupplementCheck::take_track(const TrackSection& section) {
  const auto kind = static_cast<std::size_t>(section.kind);
  signed_samples_[kind] += section.samples.size();
  if (const auto bound = bound_.find(section.track); bound != bound_.end()) {
    tracks_.at(bound->second).add_signed(section, sessions_);
    return;
  }
  unbound_samples_ += section.samples.size();
  unbound_[section.track].emplace_back(section, sessions_);
  bind_tracks(false);
  // Nothing of it is in the clip so far: the clip lacks the track, or begins later.
  while (unbound_samples_ > kMaxUnboundSamples) {
    auto largest = unbound_.begin();
    for (auto i = unbound_.begin(); i != unbound_.end(); ++i) {
      if (i->second.size() > largest->second.size()) largest = i;
    }
    unbound_samples_ -= largest->second.front().first.samples.size();
    largest->second.erase(largest->second.begin());
  }
}

// Tracks keep no numbers from container to container: their samples tell which is which.
void SupplementCheck::bind_tracks(bool at_end) {
  for (auto waiting = unbound_.begin(); waiting != unbound_.end();) {
    auto& sections = waiting->second;
    const auto found = std::find_if(tracks_.begin(), tracks_.end(), [&](const auto& track) {
      if (sections.empty() || track.second.has_signed() || track.second.kind() != sections.front().first.kind)
        return false;
      if (!at_end) return track.second.recognises(sections.back().first);
      return true;
    });
    if (found == tracks_.end()) {
      ++waiting;
      continue;
    }
    for (const auto& [section, session] : sections) {
      found->second.add_signed(section, session);
      unbound_samples_ -= section.samples.size();
    }
    bound_[waiting->first] = found->first;
    waiting = unbound_.erase(waiting);
  }
}

}  // namespace camvault::signed_video

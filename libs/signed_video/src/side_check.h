// Compares one track beside the pictures with what supplements say about it. Containers interleave as they
// like, so signed and found samples wait for each other; both queues are bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "supplement_message.h"
#include "time_check.h"

namespace camvault::signed_video {

struct SideCounts {
  std::uint64_t found = 0;  // samples in the clip
  std::uint64_t authentic = 0;
  std::uint64_t altered = 0;
  std::uint64_t missing = 0;  // between samples that are there, or where pictures are
  std::uint64_t extra = 0;
  std::uint64_t out_of_place = 0;  // signed, but elsewhere in the track
  std::uint64_t retimed = 0;       // container times that do not follow the signed ones
  std::uint64_t not_covered = 0;
};

struct FoundSample {
  SampleTag tag{};
  std::optional<std::int64_t> time;
};

class SideCheck {
 public:
  explicit SideCheck(SideKind kind) : kind_(kind) {}

  SideKind kind() const { return kind_; }
  void add_found(const FoundSample& sample);
  // `session`: number of the signer's run that it is of; they ascend.
  void add_signed(const TrackSection& section, std::uint32_t session);

  // Is any of the first found samples among those that `section` signs?
  bool recognises(const TrackSection& section) const;
  bool has_signed() const { return signed_any_; }

  // What pictures of the clip are covered, on the signed clock; and the difference of the pictures' times.
  struct Pictures {
    std::optional<std::int64_t> begin;
    std::optional<std::int64_t> end;
    const TimeCheck* times = nullptr;
  };
  void advance(const Pictures& pictures, bool at_end);
  // The track as a whole, moved against the pictures by more than encoders' delays explain.
  bool out_of_sync(const TimeCheck& pictures) const;
  const SideCounts& counts() const { return counts_; }
  bool matched_any() const { return matched_any_; }
  std::optional<std::int64_t> first_wrong() const { return first_wrong_; }  // container time

 private:
  struct Wanted {
    SampleTag tag{};
    std::optional<std::int64_t> time;
    std::uint64_t number = 0;
    std::uint32_t session = 0;
    bool follows = false;  // its predecessor is the sample before it
  };
  struct Resync {
    std::size_t skip_wanted = 0;
    std::size_t skip_found = 0;
  };
  struct TagHash {
    std::size_t operator()(const SampleTag& tag) const;
  };

  static constexpr std::size_t kMaxQueue = 100'000;
  static constexpr std::size_t kWindow = 512;  // samples that are searched for the way on
  static constexpr std::size_t kConfirm = 4;   // equal samples in a row that show it
  static constexpr std::size_t kLookAhead =
      64;  // samples that must be there before something is called wrong

  // Pairs of samples that all searches together may look at: hostile tracks cost linear time.
  static constexpr std::int64_t kSearchBudget = 20'000'000;

  bool fits(const Wanted& wanted, const FoundSample& found, const Pictures& pictures) const;
  std::size_t run_length(std::size_t wanted, std::size_t found) const;
  std::optional<Resync> find_way_on(const Pictures& pictures);
  static bool has_pictures(const Wanted& wanted, const Pictures& pictures);
  void match();
  void drop_wanted(std::size_t count, const Pictures& pictures, bool between);
  void drop_found(std::size_t count, bool extra);
  void note_wrong(const FoundSample& sample);
  void remember(const SampleTag& tag);
  std::int64_t sample_duration() const { return longest_step_; }

  SideKind kind_;
  std::deque<Wanted> wanted_;
  std::deque<FoundSample> found_;
  std::unordered_map<SampleTag, std::uint32_t, TagHash> known_tags_;  // of recent signed samples
  std::deque<SampleTag> known_order_;
  std::optional<std::uint64_t> next_number_;
  std::uint32_t session_ = 0;
  bool signed_any_ = false;
  bool matched_any_ = false;
  bool gap_ = true;  // before the next sample: nothing was matched, or something is missing
  std::int64_t search_budget_ = kSearchBudget;
  std::int64_t longest_step_ = 0;
  std::optional<std::int64_t> last_signed_time_;
  TimeCheck times_;
  SideCounts counts_;
  std::optional<std::int64_t> first_wrong_;
};

}  // namespace camvault::signed_video

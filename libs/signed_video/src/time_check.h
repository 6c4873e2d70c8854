// Do the container's times follow the signed ones? Containers choose their zero and round (Matroska to 1 ms):
// the difference between the two clocks is one constant, known to within the rounding of both.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace camvault::signed_video {

class TimeCheck {
 public:
  // 1 ms of rounding on either side, and the supplement's steps of 10 us.
  static constexpr std::int64_t kTolerance = 10'000 + 100;

  // A stretch in which the difference stayed the same, on the signed clock.
  struct Stretch {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t difference = 0;  // container - signed
    std::uint32_t session = 0;
  };

  // Each run of a signer has a clock of its own: nothing is known about the difference.
  void enter_session(std::uint32_t number) {
    if (number == session_) return;
    session_ = number;
    known_ = false;
  }

  // False if this sample stands at another time than it should. `may_shift`: something is missing before it,
  // and whoever cut it out may have closed the gap.
  bool add(std::int64_t signed_time, std::int64_t container_time, bool may_shift) {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(container_time, signed_time, &difference)) return false;
    if (difference > kFar || difference < -kFar) return false;
    const auto low = std::max(low_, difference - kTolerance);
    const auto high = std::min(high_, difference + kTolerance);
    if (known_ && low <= high) {
      low_ = low;
      high_ = high;
      auto& last = stretches_.back();
      last.end = std::max(last.end, signed_time);
      last.difference = low_ + (high_ - low_) / 2;
      return true;
    }
    const bool fine = !known_ || may_shift;
    known_ = true;
    low_ = difference - kTolerance;
    high_ = difference + kTolerance;
    if (stretches_.size() == kMaxStretches) stretches_.erase(stretches_.begin());
    stretches_.push_back({signed_time, signed_time, difference, session_});
    return fine;
  }

  bool known() const { return known_; }
  bool fits(std::int64_t signed_time, std::int64_t container_time, std::int64_t tolerance) const {
    if (!known_) return false;
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(container_time, signed_time, &difference)) return false;
    return difference <= high_ + tolerance && difference >= low_ - tolerance;
  }
  const std::vector<Stretch>& stretches() const { return stretches_; }

 private:
  static constexpr std::int64_t kFar = std::int64_t{1} << 60;
  static constexpr std::size_t kMaxStretches = 1024;

  bool known_ = false;
  std::uint32_t session_ = 0;
  std::int64_t low_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t high_ = std::numeric_limits<std::int64_t>::max();
  std::vector<Stretch> stretches_;
};

}  // namespace camvault::signed_video

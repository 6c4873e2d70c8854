// How long a publisher stays away from a cloud that does not want it now.
#pragma once

#include <chrono>
#include <functional>

#include "camvault/cloud/publisher.h"

namespace camvault::cloud {

inline constexpr std::chrono::milliseconds kStep{100};  // between two questions whether to go on

// Waits in steps; ends early when `done` says so.
void wait_unless(const std::function<bool(const Progress&)>& done, const Progress& progress,
                 std::chrono::milliseconds time);

// A quarter of a second, then twice as long each time, up to half a minute.
class Pause {
 public:
  std::chrono::milliseconds next();
  void reset() { length_ = kFirst; }

 private:
  static constexpr std::chrono::milliseconds kFirst{250};
  std::chrono::milliseconds length_ = kFirst;
};

}  // namespace camvault::cloud

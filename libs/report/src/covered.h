// What the signatures in a clip speak about, and what they do not: the same list in every report.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/report/subject.h"
#include "camvault/signed_video/report.h"

namespace camvault::report {

struct Covered {
  std::string_view what;      // in JSON: "pictures", "container_times", ...
  std::string name;           // for people: "picture times in the container"
  std::uint64_t count = 0;    // in the clip; 0: not counted
  std::uint64_t covered = 0;  // of these
  std::string words;          // "all 60 are covered", ...
  bool is_altered = false;    // and not as it was signed
  bool complete() const { return count > 0 && covered == count; }
  bool fine() const { return complete() && !is_altered; }
};

// Empty for a clip without signatures. What is not in the clip is not in the list.
std::vector<Covered> covered(const Subject& subject, const signed_video::Report& report);

}  // namespace camvault::report

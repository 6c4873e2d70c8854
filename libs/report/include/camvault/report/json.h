// The report for programs: docs/formats/report-json.md, docs/report.schema.json.
#pragma once

#include <string>

#include "camvault/report/subject.h"
#include "camvault/signed_video/report.h"

namespace camvault::report {

inline constexpr int kJsonVersion = 1;  // of the format; a reader refuses what it does not know
inline constexpr std::size_t kMaxJsonFrames =
    10'000;  // frames listed one by one; "truncated" says that there are more

// ASCII only (everything else is escaped), two-space indentation, a line feed at the end.
std::string to_json(const Subject& subject, const signed_video::Report& report);

}  // namespace camvault::report

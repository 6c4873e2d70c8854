// The clip as a row of cells, each showing the gravest thing that happened in its part of the pictures.
#pragma once

#include <cstdint>
#include <vector>

#include "camvault/signed_video/report.h"

namespace camvault::report {

// `cells` values, or none for a clip without pictures. Linear in GOPs + findings + cells.
std::vector<signed_video::UnitStatus> timeline(const signed_video::Report& report, std::size_t cells);

// Pictures the timeline spans: those of the clip and the missing ones between and behind them.
std::uint64_t timeline_pictures(const signed_video::Report& report);

}  // namespace camvault::report

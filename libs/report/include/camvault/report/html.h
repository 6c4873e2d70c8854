// The report on paper: one HTML file without script, network or external parts, that prints well on A4 and
// Letter.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "camvault/base/bytes.h"
#include "camvault/report/subject.h"
#include "camvault/signed_video/report.h"

namespace camvault::report {

struct Thumbnail {
  std::uint32_t picture = 0;  // index it shows, as in the findings (missing pictures count)
  std::string caption;        // "picture 137, altered"
  Bytes image;                // PNG or JPEG; anything else is left out
};

inline constexpr std::size_t kMaxHtmlFindings = 500;
inline constexpr std::size_t kMaxHtmlGops = 2'000;
inline constexpr std::size_t kMaxThumbnails = 24;

// Each list is cut at its limit and says so.
std::string to_html(const Subject& subject, const signed_video::Report& report,
                    std::span<const Thumbnail> thumbnails = {});

}  // namespace camvault::report

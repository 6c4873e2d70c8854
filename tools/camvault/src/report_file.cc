#include "report_file.h"

#include <algorithm>
#include <map>

#include "camvault/base/file.h"
#include "camvault/container/thumbnail.h"
#include "camvault/report/html.h"

namespace camvault::cli {

namespace {
using signed_video::UnitStatus;

constexpr std::size_t kMaxShown = 12;  // figures in a report: four rows

struct Place {
  std::uint64_t clip_picture;  // to decode
  std::uint32_t index;         // as the report counts
  std::string caption;
};

std::string_view words(UnitStatus status) {
  switch (status) {
    case UnitStatus::altered:
      return "altered";
    case UnitStatus::extra:
      return "extra";
    case UnitStatus::out_of_place:
      return "out of place";
    default:
      return "";
  }
}

// The first picture of each run; of a gap, the last picture before it and the first one behind it.
std::vector<Place> places_of(const signed_video::Report& report) {
  std::vector<Place> places;
  for (const auto& f : report.findings) {
    if (f.status == UnitStatus::authentic || f.status == UnitStatus::not_covered) continue;
    const auto number = std::to_string(f.first_picture);
    if (f.status != UnitStatus::missing) {
      places.push_back(
          {f.clip_picture, f.first_picture, "picture " + number + ", " + std::string(words(f.status))});
    } else {
      if (f.clip_picture > 0)
        places.push_back(
            {f.clip_picture - 1ull, f.first_picture, "the last picture before the gap at picture " + number});
      if (f.clip_picture < report.pictures)
        places.push_back(
            {f.clip_picture, f.last_picture, "the first picture behind the gap at picture " + number});
    }
    if (places.size() >= kMaxShown) break;
  }
  if (places.size() > kMaxShown) places.resize(kMaxShown);
  return places;
}

std::vector<report::Thumbnail> thumbnails_of(const std::filesystem::path& clip,
                                             const signed_video::Report& report) {
  const auto places = places_of(report);
  if (places.empty()) return {};
  std::vector<std::uint64_t> pictures;
  for (const auto& place : places) pictures.push_back(place.clip_picture);
  std::sort(pictures.begin(), pictures.end());
  pictures.erase(std::unique(pictures.begin(), pictures.end()), pictures.end());
  container::ThumbnailOptions options;
  options.codec = report.codec;
  const auto made = container::make_thumbnails(clip, pictures, options);
  if (!made) return {};  // a report without pictures is better than none
  std::vector<report::Thumbnail> thumbnails;
  for (const auto& place : places) {
    const auto found = made->jpeg.find(place.clip_picture);
    if (found != made->jpeg.end()) thumbnails.push_back({place.index, place.caption, found->second});
  }
  return thumbnails;
}
}  // namespace

Status write_html_report(const std::filesystem::path& clip, const Verification& verification,
                         const std::filesystem::path& out) {
  const auto html =
      report::to_html(verification.subject, verification.report, thumbnails_of(clip, verification.report));
  if (auto written = write_file_atomically(out, as_bytes(html)); !written)
    return fail_in(out.string(), written.error());
  return ok();
}

}  // namespace camvault::cli

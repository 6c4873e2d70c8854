#include "report_file.h"

#include <algorithm>
#include <map>

#include "camvault/container/thumbnail.h"
#include "camvault/report/html.h"
#include "output_file.h"

namespace camvault::cli {

namespace {
using signed_video::UnitStatus;

constexpr std::size_t kMaxShown = 12;  // figures in a report: four rows

struct Place {
  UnitStatus status;
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
      places.push_back({f.status, f.clip_picture, f.first_picture,
                        "picture " + number + ", " + std::string(words(f.status))});
    } else {
      if (f.clip_picture > 0)
        places.push_back({f.status, f.clip_picture - 1ull, f.first_picture,
                          "the last picture before the gap at picture " + number});
      if (f.clip_picture < report.pictures)
        places.push_back({f.status, f.clip_picture, f.last_picture,
                          "the first picture behind the gap at picture " + number});
    }
    if (places.size() >= kMaxShown) break;
  }
  if (places.size() > kMaxShown) places.resize(kMaxShown);
  return places;
}

std::map<std::uint64_t, Bytes> decoded(const std::filesystem::path& clip, std::vector<std::uint64_t> pictures,
                                       codec::Codec codec) {
  std::sort(pictures.begin(), pictures.end());
  pictures.erase(std::unique(pictures.begin(), pictures.end()), pictures.end());
  container::ThumbnailOptions options;
  options.codec = codec;
  auto made = container::make_thumbnails(clip, pictures, options);
  return made ? std::move(made->jpeg)
              : std::map<std::uint64_t, Bytes>();  // a report without pictures is better than none
}

// Without missing pictures the report counts as the reference does: altered ones are compared at the same
// index.
std::vector<report::Thumbnail> thumbnails_of(const std::filesystem::path& clip,
                                             const signed_video::Report& report,
                                             const std::filesystem::path& reference) {
  const auto places = places_of(report);
  if (places.empty()) return {};
  std::vector<std::uint64_t> pictures;
  std::vector<std::uint64_t> originals;
  for (const auto& place : places) {
    pictures.push_back(place.clip_picture);
    if (place.status == UnitStatus::altered) originals.push_back(place.index);
  }
  const auto found = decoded(clip, pictures, report.codec);
  const auto compared = reference.empty() || originals.empty() ? std::map<std::uint64_t, Bytes>()
                                                               : decoded(reference, originals, report.codec);
  std::vector<report::Thumbnail> thumbnails;
  for (const auto& place : places) {
    const auto shown = found.find(place.clip_picture);
    if (shown != found.end()) thumbnails.push_back({place.index, place.caption, shown->second});
    if (place.status != UnitStatus::altered) continue;
    const auto original = compared.find(place.index);
    if (original != compared.end())
      thumbnails.push_back(
          {place.index, "picture " + std::to_string(place.index) + " in the reference", original->second});
  }
  return thumbnails;
}
}  // namespace

Status write_html_report(const std::filesystem::path& clip, const Verification& verification,
                         const std::filesystem::path& out, const std::filesystem::path& reference) {
  const auto html = report::to_html(verification.subject, verification.report,
                                    thumbnails_of(clip, verification.report, reference));
  return write_output(out, as_bytes(html));
}

}  // namespace camvault::cli

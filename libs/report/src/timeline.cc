#include "timeline.h"

#include <algorithm>

namespace camvault::report {

using signed_video::UnitStatus;

namespace {
int gravity(UnitStatus status) {
  switch (status) {
    case UnitStatus::authentic:
      return 0;
    case UnitStatus::not_covered:
      return 1;
    case UnitStatus::missing:
      return 2;
    case UnitStatus::out_of_place:
      return 3;
    case UnitStatus::extra:
      return 4;
    case UnitStatus::altered:
      return 5;
  }
  return 5;
}

class Cells {
 public:
  Cells(std::size_t count, std::uint64_t pictures)
      : pictures_(pictures), cells_(count, UnitStatus::authentic) {}

  // Marks what [first, last] touches; a graver mark stays. Runs are clamped, so hostile indexes cost at most
  // one row.
  void mark(std::uint64_t first, std::uint64_t last, UnitStatus status) {
    if (first >= pictures_) first = pictures_ - 1;
    last = std::clamp(last, first, pictures_ - 1);
    const auto from = cell_of(first);
    // A cell that merely begins where the run ends is not part of it.
    const auto to = std::max(from, static_cast<std::size_t>(((last + 1) * cells_.size() - 1) / pictures_));
    for (auto i = from; i <= std::min(to, cells_.size() - 1); ++i) {
      if (gravity(status) > gravity(cells_[i])) cells_[i] = status;
    }
  }
  std::vector<UnitStatus> take() { return std::move(cells_); }

 private:
  std::size_t cell_of(std::uint64_t picture) const {
    return static_cast<std::size_t>(picture * cells_.size() / pictures_);
  }
  std::uint64_t pictures_;
  std::vector<UnitStatus> cells_;
};
}  // namespace

std::uint64_t timeline_pictures(const signed_video::Report& report) {
  std::uint64_t total = std::uint64_t{report.pictures} + report.pictures_missing;
  for (const auto& finding : report.findings)
    total = std::max(total, std::uint64_t{finding.last_picture} + 1);
  for (const auto& gop : report.gops)
    total = std::max(total, std::uint64_t{gop.first_picture} + gop.pictures);
  return total;
}

std::vector<UnitStatus> timeline(const signed_video::Report& report, std::size_t cells) {
  const auto pictures = timeline_pictures(report);
  if ((report.pictures == 0 && report.findings.empty()) || pictures == 0 || cells == 0) return {};
  Cells row(cells, pictures);
  if (report.verdict == signed_video::Verdict::not_signed) row.mark(0, pictures - 1, UnitStatus::not_covered);

  std::vector<std::uint32_t> explained;  // GOPs whose trouble is told picture by picture
  explained.reserve(report.findings.size());
  for (const auto& finding : report.findings) {
    row.mark(finding.first_picture, finding.last_picture, finding.status);
    explained.push_back(finding.gop);
  }
  std::sort(explained.begin(), explained.end());
  for (const auto& gop : report.gops) {
    if (gop.verdict == UnitStatus::authentic) continue;
    if (std::binary_search(explained.begin(), explained.end(), gop.index)) continue;
    const auto length = std::max<std::uint64_t>(gop.pictures, 1);
    row.mark(gop.first_picture, gop.first_picture + length - 1, gop.verdict);
  }
  return row.take();
}

}  // namespace camvault::report

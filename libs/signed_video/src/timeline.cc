#include "timeline.h"

#include <algorithm>

namespace camvault::signed_video {

namespace {

int badness(UnitStatus status) {
  switch (status) {
    case UnitStatus::authentic:
      return 0;
    case UnitStatus::missing:
      return 1;
    case UnitStatus::not_covered:
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

std::string plural(std::uint64_t count, const char* one, const char* many) {
  return count == 1 ? std::string("1 ") + one : std::to_string(count) + " " + many;
}

std::string describe(const Finding& finding) {
  const auto pictures =
      plural(std::uint64_t{finding.last_picture} - finding.first_picture + 1, "picture", "pictures");
  switch (finding.status) {
    case UnitStatus::authentic:
      return pictures + " authentic";
    case UnitStatus::altered:
      return pictures + " altered after signing";
    case UnitStatus::missing:
      return pictures + " removed, wholly or in part";
    case UnitStatus::extra:
      return pictures + " inserted that the camera never signed here";
    case UnitStatus::out_of_place:
      return pictures + " moved from elsewhere in the recording";
    case UnitStatus::not_covered:
      return pictures + " that no valid signature speaks about";
  }
  return {};
}

}  // namespace

UnitStatus worse(UnitStatus a, UnitStatus b) {
  return badness(a) >= badness(b) ? a : b;
}

// Units arrive in clip order, but an inserted picture may carry the number of the GOP before.
bool Timeline::begins_gop(std::uint32_t index) const {
  const auto& gops = collected_.gops;
  return gops.empty() || (gops.back().index < index && gops.size() < Report::kMaxGops);
}

GopReport& Timeline::gop(std::uint32_t index) {
  auto& gops = collected_.gops;
  if (!begins_gop(index)) {
    collected_.findings_truncated = collected_.findings_truncated || gops.back().index < index;
    return gops.back();
  }
  GopReport report;
  report.index = index;
  report.verdict = UnitStatus::authentic;
  tell_gops();
  gops.push_back(report);
  return gops.back();
}

void Timeline::tell_gops() {
  auto& gops = collected_.gops;
  if (live_ == nullptr) return;
  for (; told_ < gops.size(); ++told_) {
    if (live_->on_gop) live_->on_gop(gops[told_]);
  }
  // Twice as many before half of them go: each is moved once at the most.
  if (live_->keep_gops == 0 || gops.size() < 2 * live_->keep_gops) return;
  const auto surplus = std::min(gops.size() - live_->keep_gops, told_);
  gops.erase(gops.begin(), gops.begin() + static_cast<std::ptrdiff_t>(surplus));
  told_ -= surplus;
}

void Timeline::begin_segment(const SegmentSummary& segment) {
  close_picture();
  const bool is_new = begins_gop(segment.gop);
  auto& report = gop(segment.gop);
  if (is_new) {
    report.signature = segment.signature;
    report.linked = segment.linked;
    report.start = segment.start;
    report.binding.first_sei = segment.sei;
    report.binding.named = segment.named;
    report.binding.before = segment.names_before;
  } else {  // a further part of the same GOP: the weakest part counts
    if (report.signature == SignatureStatus::valid) report.signature = segment.signature;
    report.linked = report.linked && segment.linked;
    if (!report.start) report.start = segment.start;
    report.binding.named = report.binding.named && segment.named;
    // Parts follow each other, also as SEIs do in the clip.
    report.binding.within =
        report.binding.within && segment.names_before && segment.sei == report.binding.last_sei + 1;
  }
  report.binding.last_sei = segment.sei;
  ++report.binding.parts;
  if (segment.end) report.end = segment.end;
}

void Timeline::add_missing_gop(const SegmentSummary& segment) {
  begin_segment(segment);
  auto& report = gop(segment.gop);
  report.verdict = worse(report.verdict, UnitStatus::missing);
}

void Timeline::note_finding(const UnitResult& unit) {
  auto& findings = collected_.findings;
  if (!findings.empty()) {
    auto& last = findings.back();
    const bool follows = unit.picture == last.last_picture || unit.picture == last.last_picture + 1;
    if (last.status == unit.status && follows) {
      last.last_picture = unit.picture;
      last.units += 1;
      return;
    }
  }
  if (findings.size() == Report::kMaxFindings) {
    collected_.findings_truncated = true;
    return;
  }
  Finding finding;
  finding.status = unit.status;
  finding.first_picture = finding.last_picture = unit.picture;
  finding.clip_picture = unit.clip_picture;
  finding.gop = unit.gop;
  finding.units = 1;
  finding.time = unit.time;
  finding.container_time = unit.container_time;
  finding.offset = unit.offset;
  findings.push_back(std::move(finding));
}

void Timeline::close_picture() {
  if (!picture_open_) return;
  picture_open_ = false;
  if (live_ != nullptr && live_->on_picture && picture_present_)
    live_->on_picture({picture_.clip_picture, picture_.picture, picture_.gop, picture_.status});
  auto& c = collected_;
  switch (picture_.status) {
    case UnitStatus::authentic:
      ++c.pictures_authentic;
      break;
    case UnitStatus::altered:
      ++c.pictures_altered;
      break;
    case UnitStatus::missing:
      ++c.pictures_missing;
      break;
    case UnitStatus::extra:
      ++c.pictures_extra;
      break;
    case UnitStatus::out_of_place:
      ++c.pictures_out_of_place;
      break;
    case UnitStatus::not_covered:
      ++c.pictures_not_covered;
      break;
  }
}

void Timeline::add(const UnitResult& unit) {
  auto& report = gop(unit.gop);
  report.verdict = worse(report.verdict, unit.status);
  if (!unit.picture_data) {
    if (unit.status != UnitStatus::authentic) note_finding(unit);
    return;
  }
  if (!picture_open_ || unit.picture != picture_.picture) {
    close_picture();
    picture_open_ = true;
    picture_ = unit;
    picture_present_ = false;
    if (report.pictures == 0) report.first_picture = unit.picture;
    if (unit.status != UnitStatus::missing) ++report.pictures;
  } else {
    picture_.status = worse(picture_.status, unit.status);
  }
  if (unit.status != UnitStatus::missing) {
    picture_.clip_picture = unit.clip_picture;
    picture_present_ = true;
  }
  if (unit.status != UnitStatus::authentic) note_finding(unit);
}

void Timeline::finish(Report& report) {
  close_picture();
  tell_gops();
  for (auto& finding : collected_.findings) finding.what = describe(finding);
  report.gops = std::move(collected_.gops);
  report.findings = std::move(collected_.findings);
  report.findings_truncated = collected_.findings_truncated;
  report.pictures_authentic = collected_.pictures_authentic;
  report.pictures_altered = collected_.pictures_altered;
  report.pictures_missing = collected_.pictures_missing;
  report.pictures_extra = collected_.pictures_extra;
  report.pictures_out_of_place = collected_.pictures_out_of_place;
  report.pictures_not_covered = collected_.pictures_not_covered;
}

}  // namespace camvault::signed_video

#include "covered.h"

#include <algorithm>

#include "camvault/report/text.h"
#include "words.h"

namespace camvault::report {

namespace {

using signed_video::SideKind;

Covered counted(std::string_view what, std::string name, std::uint64_t count, std::uint64_t is_covered) {
  Covered entry{what, std::move(name), count, std::min(is_covered, count), {}, false};
  if (entry.covered == 0) {
    entry.words = with_separators(count) + (count == 1 ? ", not covered" : ", none covered");
  } else if (entry.complete()) {
    entry.words = with_separators(count) + (count == 1 ? ", covered" : ", all covered");
  } else {
    entry.words = with_separators(entry.covered) + " of " + with_separators(count) + " covered";
  }
  return entry;
}

// What no signature that this program knows ever speaks about.
Covered never(std::string_view what, std::string name) {
  return {what, std::move(name), 0, 0, "never covered", false};
}

}  // namespace

std::vector<Covered> covered(const Subject& subject, const signed_video::Report& report) {
  std::vector<Covered> list;
  if (report.verdict == signed_video::Verdict::not_signed) return list;
  const auto& s = report.supplement;
  const auto add = [&](std::string_view what, std::string name, std::uint64_t count, std::uint64_t part) {
    if (count > 0) list.push_back(counted(what, std::move(name), count, part));
  };
  add("pictures", "pictures", report.pictures,
      report.pictures - std::min(report.pictures, report.pictures_not_covered));
  add("parameter_sets", "decoder parameters (picture size, coding tools)", s.parameter_sets,
      s.parameter_sets_covered);
  add("other_units", "other messages in the video (captions, timing)", s.other_units, s.other_units_covered);
  add("container_times", "picture times in the container", s.times, s.times_compared);
  for (const auto& track : s.tracks) {
    const bool audio = track.kind == SideKind::audio;
    add(audio ? "audio" : "metadata",
        std::string(audio ? "sound" : "timed metadata") + ", track " + std::to_string(track.track),
        track.samples, track.samples - std::min(track.samples, track.not_covered));
    const auto wrong = track.altered + track.extra + track.out_of_place + track.retimed;
    if (track.samples == 0 || wrong == 0) continue;
    list.back().is_altered = true;
    list.back().words += "; " + with_separators(wrong) + " not as signed";
  }
  for (const auto& track : s.not_comparable)
    list.push_back(never("audio", "sound that containers cut as they like (" + printable(track, 60) + ")"));
  const auto known = s.tracks.size() + s.not_comparable.size();
  if (subject.not_video.size() > known) {
    std::string tracks;
    for (const auto& track : subject.not_video) tracks += (tracks.empty() ? "" : ", ") + printable(track, 60);
    list.push_back(never("other_tracks", "subtitles and other tracks (of " + tracks + ")"));
  }
  if (!subject.container.empty() && subject.container != "annex_b" && subject.container != "units" &&
      subject.container != "obu")
    list.push_back(never("container_text", "what the container says of itself (names, dates, edit lists)"));
  return list;
}

}  // namespace camvault::report

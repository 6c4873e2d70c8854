// What the supplements found, in notes, figures and a verdict.
#include "supplement_check.h"

namespace camvault::signed_video {

namespace {

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return count == 1 ? std::string("1 ") + one : std::to_string(count) + " " + many;
}

std::string seconds(std::optional<std::int64_t> ticks) {
  if (!ticks) return {};
  const auto ms = *ticks / 10'000;
  auto text = std::to_string(ms / 1000) + "." + std::to_string(1000 + ms % 1000).substr(1);
  return ", first at " + text + " s";
}

struct SideKinds {
  NoteKind altered, missing, extra, moved;
  const char* one;
  const char* many;
  const char* what;
};
constexpr SideKinds kAudio = {NoteKind::audio_altered,
                              NoteKind::audio_missing,
                              NoteKind::audio_extra,
                              NoteKind::audio_moved,
                              "sound sample",
                              "sound samples",
                              "sound"};
constexpr SideKinds kMetadata = {NoteKind::metadata_altered,
                                 NoteKind::metadata_missing,
                                 NoteKind::metadata_extra,
                                 NoteKind::metadata_moved,
                                 "metadata sample",
                                 "metadata samples",
                                 "metadata"};

}  // namespace

std::optional<std::uint32_t> SupplementCheck::ends_before() const {
  if (!found_gop_ || !ended_) return std::nullopt;
  if (behind_) return behind_->second;
  return pictures_.empty() ? std::nullopt : std::optional(pictures_.front().number);
}

void SupplementCheck::check_tail() {
  if (!found_gop_) return;
  if (const auto end = ends_before()) behind_end_.add(0, *end);
  if (!behind_ && !pictures_.empty()) behind_ = {pictures_.front().first_slice, pictures_.front().number};
  if (ended_) return;
  if (!behind_) {
    cut_at_end_ = true;
  } else if (!next_.empty() && behind_->first != next_) {
    next_differs_.add(0, behind_->second);
  }
}

SupplementCheck::Outcome SupplementCheck::finish(Report& report) {
  bind_tracks(false);
  for (std::size_t i = 0; i < unbound_.size(); ++i) bind_tracks(true);
  advance_tracks(true);
  check_tail();
  judge_sets();
  Outcome outcome;
  auto& figures = report.supplement;
  figures.supplements = supplements_;
  figures.gops = gops_checked_;
  figures.parameter_sets = sets_found_;
  figures.parameter_sets_covered = sets_covered_;
  figures.other_units = units_found_;
  figures.other_units_covered = units_covered_;
  figures.times_compared = times_compared_;
  figures.not_comparable = not_comparable_;
  write_notes(report, outcome);
  write_tracks(report, outcome);
  return outcome;
}

void SupplementCheck::write_notes(Report& report, Outcome& outcome) {
  const auto bad = [&](const Tally& tally, NoteKind kind, const std::string& what) {
    if (tally.count == 0) return;
    report.notes.push_back({kind, tally.gop, tally.count, what});
    outcome.tampered = true;
    if (outcome.reason.empty()) outcome.reason = what;
  };
  const auto at = [](const Tally& tally) { return ", first at picture " + std::to_string(tally.picture); };
  auto stripped = without_promised_;
  if ((supplements_ > 0 || elsewhere_) && without_.count > 0) stripped.add(without_.gop, 0, without_.count);
  bad(stripped, NoteKind::supplement_removed,
      supplements_ == 0 && !elsewhere_
          ? "the camera signs more than the pictures (sound, times, decoder parameters), as its "
            "certificate says; those signatures were taken away"
          : counted(stripped.count, "signature over sound, times and decoder parameters was",
                    "signatures over sound, times and decoder parameters were") +
                " taken away");
  bad(sets_altered_, NoteKind::parameter_sets_altered,
      "the decoder parameters are not those of the camera" + at(sets_altered_));
  bad(units_altered_, NoteKind::units_altered,
      counted(units_altered_.count, "SEI or other unit was altered", "SEIs or other units were altered") +
          at(units_altered_));
  bad(units_extra_, NoteKind::units_extra,
      counted(units_extra_.count, "SEI or other unit was inserted", "SEIs or other units were inserted") +
          at(units_extra_));
  bad(times_altered_, NoteKind::times_altered,
      "pictures are shown at other times than they were recorded" + at(times_altered_));
  bad(behind_end_, NoteKind::pictures_behind_end,
      "pictures stand behind the place where the camera ended its recording" + at(behind_end_));
  const auto note = [&](const Tally& tally, NoteKind kind, std::string what) {
    if (tally.count > 0) report.notes.push_back({kind, tally.gop, tally.count, std::move(what)});
  };
  note(sets_missing_, NoteKind::parameter_sets_missing,
       "decoder parameters that the camera sent are not here" + at(sets_missing_));
  note(units_missing_, NoteKind::units_missing,
       counted(units_missing_.count, "SEI or other unit is missing", "SEIs or other units are missing") +
           at(units_missing_));
  note(next_differs_, NoteKind::next_picture_differs,
       "the picture behind the last signed one is not the one that followed in the recording: something is "
       "missing there, or was altered" +
           at(next_differs_));
  // All gone: a tool on the way knows none of them. Some gone: somebody chose.
  if (units_missing_.count > 0 && units_covered_ > 0) {
    outcome.missing = true;
    if (outcome.reason.empty()) outcome.reason = "SEIs are missing";
  }
  if (next_differs_.count > 0) {
    outcome.missing = true;
    if (outcome.reason.empty()) outcome.reason = "the picture that followed is missing or altered";
  }
  if (cut_at_end_)
    report.notes.push_back(
        {NoteKind::ending_missing, 0, 1, "the recording went on behind the end of this clip"});
  if (found_gop_ && ended_ && behind_end_.count == 0)
    report.notes.push_back({NoteKind::complete_to_the_end, 0, 1,
                            "the camera signed that its recording ends where this clip does"});
}

void SupplementCheck::write_tracks(Report& report, Outcome& outcome) {
  bool here[3] = {};
  for (const auto& entry : tracks_) {
    const auto id = entry.first;
    const auto& track = entry.second;
    const auto& counts = track.counts();
    const auto& kinds = track.kind() == SideKind::audio ? kAudio : kMetadata;
    if (track.has_signed()) here[static_cast<std::size_t>(track.kind())] = true;
    report.supplement.tracks.push_back({track.kind(), id, counts.found, counts.authentic, counts.altered,
                                        counts.missing, counts.extra, counts.out_of_place, counts.retimed,
                                        counts.not_covered});
    const auto bad = [&](std::uint64_t count, NoteKind kind, const std::string& what) {
      if (count == 0) return;
      report.notes.push_back({kind, 0, count, what + seconds(track.first_wrong())});
      outcome.tampered = true;
      if (outcome.reason.empty()) outcome.reason = what;
    };
    bad(counts.altered, kinds.altered,
        track.matched_any() ? counted(counts.altered, kinds.one, kinds.many) + " altered after signing"
                            : std::string("none of the ") + kinds.what + " is what the camera signed");
    bad(counts.extra, kinds.extra, counted(counts.extra, kinds.one, kinds.many) + " inserted");
    bad(counts.out_of_place, kinds.moved,
        counted(counts.out_of_place, kinds.one, kinds.many) + " moved from elsewhere in the recording");
    bad(counts.retimed, kinds.moved,
        counted(counts.retimed, kinds.one, kinds.many) + " played at another time than recorded");
    if (track.out_of_sync(times_))
      bad(1, kinds.moved, std::string("the ") + kinds.what + " was moved against the pictures");
    if (counts.missing > 0) {
      const auto what = counted(counts.missing, kinds.one, kinds.many) + " missing";
      report.notes.push_back({kinds.missing, 0, counts.missing, what});
      outcome.missing = true;
      if (outcome.reason.empty()) outcome.reason = what;
    }
  }
  for (const auto& track : not_comparable_) {
    report.notes.push_back(
        {NoteKind::audio_not_checked, 0, 1,
         "the track " + track + " is not compared: containers cut its samples as they like"});
  }
  // A track that was not exported takes nothing from the rest.
  for (const auto* kinds : {&kAudio, &kMetadata}) {
    const auto kind = static_cast<std::size_t>(kinds == &kAudio ? SideKind::audio : SideKind::metadata);
    if (signed_samples_[kind] == 0 || here[kind] || !not_comparable_.empty()) continue;
    report.notes.push_back({kinds->missing, 0, signed_samples_[kind],
                            std::string("the camera recorded ") + kinds->what +
                                ", but this clip has none that could be compared"});
  }
}

}  // namespace camvault::signed_video

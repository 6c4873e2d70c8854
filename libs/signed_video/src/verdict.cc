#include "verdict.h"

#include <algorithm>
#include <array>
#include <string>

namespace camvault::signed_video {

namespace {

// One clause, for people, that names the gravest thing.
std::string why_not_authentic(const VerdictFacts& facts, const Report& report, std::uint64_t changed) {
  if (!facts.pictures.tampered && !facts.tampered)
    return "the pictures are as the camera signed them, but " + facts.side.reason;
  if (changed > 0) {
    std::string what = "after it was signed";
    const auto add = [&](std::uint32_t count, const char* one, const char* many) {
      if (count > 0) what += ", " + std::to_string(count) + (count == 1 ? one : many);
    };
    add(report.pictures_altered, " picture was altered", " pictures were altered");
    add(report.pictures_extra, " picture was inserted", " pictures were inserted");
    add(report.pictures_out_of_place, " picture was moved", " pictures were moved");
    add(report.pictures_missing, " picture is missing", " pictures are missing");
    return what;
  }
  constexpr std::array kNamed = {
      NoteKind::joined,       NoteKind::restarted,     NoteKind::signer_changed,
      NoteKind::out_of_order, NoteKind::unsigned_head, NoteKind::sei_removed,
      NoteKind::sei_invalid,  NoteKind::sei_malformed, NoteKind::supplement_invalid,
      NoteKind::units_extra};
  for (const auto kind : kNamed) {
    const auto note =
        std::find_if(report.notes.begin(), report.notes.end(), [&](const Note& n) { return n.kind == kind; });
    if (note != report.notes.end()) return note->text;
  }
  if (facts.side.tampered) return facts.side.reason;
  return "the signatures in the clip do not vouch for all of it";
}

}  // namespace

void list_uncovered(Report& report, std::uint32_t gop) {
  const auto list = [&](std::uint64_t count, std::uint64_t of, const char* what) {
    if (count == 0) return;
    report.notes.push_back({NoteKind::not_covered_by_format, gop, count,
                            std::to_string(count) + (count == of ? " " : " of " + std::to_string(of) + " ") +
                                what + ": no signature speaks about them"});
  };
  const auto& s = report.supplement;
  list(s.parameter_sets - s.parameter_sets_covered, s.parameter_sets,
       "parameter sets (picture size, coding tools)");
  list(s.other_units - s.other_units_covered, s.other_units, "other SEIs and units of reserved types");
  list(s.times - std::min(s.times, s.times_compared), s.times, "times in the container");
  for (const auto& track : s.tracks) {
    list(track.not_covered, track.samples,
         track.kind == SideKind::audio ? "sound samples" : "metadata samples");
  }
}

void decide(const VerdictFacts& facts, Report& report) {
  const auto& outcome = facts.pictures;
  const auto signed_seis = report.seis_signed + report.seis_unsigned;
  if (signed_seis == 0 && !facts.any_sei) {
    report.verdict = Verdict::not_signed;
    report.verdict_reason = "the clip carries no signatures";
    report.gops.clear();
    report.findings.clear();
    return;
  }
  if (facts.without_key) {
    const std::string what = facts.is_onvif ? "certificate" : "public key";
    report.notes.push_back(
        {NoteKind::no_certificate, facts.gop, 1, "the signer's " + what + " is not in the clip"});
    report.verdict = Verdict::not_authentic;
    report.verdict_reason =
        "the clip is signed, but the signer's " + what + " is not in it: give the certificate with --signer";
    return;
  }
  const auto& r = report;
  const auto changed = r.pictures_altered + r.pictures_extra + r.pictures_out_of_place;
  if (outcome.tampered || facts.tampered || facts.side.tampered) {
    report.verdict = Verdict::not_authentic;
    report.verdict_reason = why_not_authentic(facts, report, changed);
  } else if (!outcome.any_authentic) {
    report.verdict = Verdict::not_authentic;
    report.verdict_reason = "no signature in the clip speaks about any of its pictures";
  } else if (!outcome.any_missing && facts.side.missing) {
    report.verdict = Verdict::authentic_with_missing_frames;
    report.verdict_reason = "every picture is as the camera signed it, but " + facts.side.reason;
  } else if (outcome.any_missing) {
    report.verdict = Verdict::authentic_with_missing_frames;
    report.verdict_reason =
        r.pictures_not_covered > 0
            ? "pictures are missing; what a signature covers is as the camera signed it, but " +
                  std::to_string(r.pictures_not_covered) + " pictures are not covered"
            : "what is here is as the camera signed it, but pictures are missing";
  } else {
    report.verdict = Verdict::authentic;
    report.verdict_reason = r.pictures_not_covered > 0
                                ? "every picture that a signature covers is as the camera signed it; " +
                                      std::to_string(r.pictures_not_covered) + " pictures are not covered"
                                : "every picture is as the camera signed it";
  }
}

}  // namespace camvault::signed_video

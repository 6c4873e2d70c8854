// The words all renderers share: verdicts, kinds of findings, times, counts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/report/subject.h"
#include "camvault/signed_video/report.h"

namespace camvault::report {

enum class Mood { good, caution, bad, neutral };  // green, amber, red, grey
std::string_view to_string(Mood mood);            // "good", ...: a class of the style sheets

// What a reader should take away, verdict and provenance together.
struct Headline {
  Mood mood = Mood::neutral;
  std::string title;     // "Authentic"
  std::string sentence;  // "Every picture is exactly as the camera signed it, and ..."
};
Headline headline(const signed_video::Report& report);

std::string_view label(signed_video::UnitStatus status);        // "altered", "out of place", ...
std::string_view explanation(signed_video::UnitStatus status);  // what that means, one sentence
std::string_view label(signed_video::SignatureStatus status);
std::string_view label(signed_video::Provenance provenance);
std::string_view label(signed_video::NoteKind kind);  // "Camera restarted", "Sound altered", ...
bool is_warning(signed_video::NoteKind kind);         // true: speaks against the clip

// "picture 12" or "pictures 12 to 40"
std::string picture_range(const signed_video::Finding& finding);
// "0:07.320 into the clip", "2026-11-21 10:00:07.32 UTC" or nothing
std::string place_in_time(const signed_video::Finding& finding);

std::string clock_text(Ticks since_beginning);  // "0:07.320", "1:02:03"
std::string utc_text(Timestamp time);           // "2026-11-21 10:00:07.32 UTC"
std::string duration_text(Ticks duration);      // "20.0 s", "3 min 20 s"
std::string bytes_text(std::uint64_t bytes);    // "12.4 MB"
std::string count_text(std::uint64_t count, std::string_view one,
                       std::string_view many);     // "1 picture", "2,000 pictures"
std::string with_separators(std::uint64_t value);  // "2,000"
std::string container_text(std::string_view container);

// What was counted and is wrong, as parts of a sentence: "2 pictures altered", "1 picture missing", ...
std::vector<std::string> tallies(const signed_video::Report& report);

// What others say about when it was recorded, a sentence each: "Recorded before 2026-11-21 10:00:02 UTC, says
// NAME (groups 0 to 12)". At most `limit`, the first and the last among them.
std::vector<std::string> recorded_before(const signed_video::Report& report, std::size_t limit);
// What is known about where the signing key lives; empty if nothing.
std::string key_evidence(const signed_video::Report& report);

// How the check works and what it cannot say; the same paragraphs everywhere.
std::vector<std::string> method(const signed_video::Report& report);
std::vector<std::string> limits(const Subject& subject, const signed_video::Report& report);

}  // namespace camvault::report

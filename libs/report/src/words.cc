#include "words.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "camvault/report/text.h"
#include "covered.h"

namespace camvault::report {

using signed_video::Provenance;
using signed_video::SignatureStatus;
using signed_video::UnitStatus;
using signed_video::Verdict;

namespace {
std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string two_digits(long long value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

// Reasons are written to stand behind a colon; here they follow a sentence.
std::string as_sentence(std::string text) {
  if (text.empty()) return text;
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  if (text.back() != '.') text += '.';
  return text;
}

// Whose certificate and since when stands in the reason.
std::string revoked(const signed_video::Report& report) {
  return ", and a certificate behind the signature was revoked, so somebody else may have signed it. " +
         as_sentence(report.provenance_reason);
}

Headline authentic(const signed_video::Report& report) {
  // Pictures before or behind the signed part are nothing to be proud of, but they are no forgery either.
  const std::string what = report.pictures_not_covered == 0
                               ? "Every picture is exactly as the camera signed it"
                               : "Every picture that a signature speaks about is exactly as it was signed; " +
                                     count_text(report.pictures_not_covered, "picture is", "pictures are") +
                                     " not covered by one";
  switch (report.provenance) {
    case Provenance::trusted:
      return {Mood::good, "Authentic",
              what + ", and the signature leads to a certificate authority you trust."};
    case Provenance::untrusted:
      if (report.revoked)
        return {Mood::bad, "Unchanged, but the certificate was revoked", what + revoked(report)};
      return {Mood::bad, "Unchanged, but not from a camera you trust",
              what + ", but whoever signed it is not one of those you asked for."};
    case Provenance::unknown:
      break;
  }
  return {Mood::good, "Authentic, origin not known",
          what + ". Which camera that was is not known: no matching certificate authority was given."};
}
}  // namespace

Headline headline(const signed_video::Report& report) {
  switch (report.verdict) {
    case Verdict::authentic:
      return authentic(report);
    case Verdict::authentic_with_missing_frames: {
      std::vector<std::string> gone;
      if (report.pictures_missing != 0)
        gone.push_back(count_text(report.pictures_missing, "picture is", "pictures are") + " missing");
      if (report.gops_missing != 0) {
        gone.push_back(
            count_text(report.gops_missing, "whole group of pictures is", "whole groups of pictures are") +
            " missing");
      }
      std::string what = gone.empty() ? "parts were removed" : gone.front();
      if (gone.size() > 1) what += " and " + gone.back();
      if (report.provenance == Provenance::untrusted && report.revoked)
        return {Mood::bad, "Frames are missing, and the certificate was revoked",
                "What is left is as it was signed, but " + what + revoked(report)};
      if (report.provenance == Provenance::untrusted) {
        return {Mood::bad, "Frames are missing, and not from a camera you trust",
                "What is left is as it was signed, but " + what +
                    ", and whoever signed it is not one of those you asked for."};
      }
      return {Mood::caution, "Authentic, but frames are missing",
              "What is left is as the camera signed it, but " + what + "."};
    }
    case Verdict::not_authentic:
      return {Mood::bad, "Not authentic",
              "This is not the video that was signed. " + as_sentence(report.verdict_reason)};
    case Verdict::not_signed:
      return {Mood::neutral, "Not signed",
              "This clip carries no signature, so nothing can be said about it."};
  }
  return {};
}

std::string_view to_string(Mood mood) {
  switch (mood) {
    case Mood::good:
      return "good";
    case Mood::caution:
      return "caution";
    case Mood::bad:
      return "bad";
    case Mood::neutral:
      return "neutral";
  }
  return "neutral";
}

std::string_view label(UnitStatus status) {
  switch (status) {
    case UnitStatus::authentic:
      return "authentic";
    case UnitStatus::altered:
      return "altered";
    case UnitStatus::missing:
      return "missing";
    case UnitStatus::extra:
      return "extra";
    case UnitStatus::out_of_place:
      return "out of place";
    case UnitStatus::not_covered:
      return "not covered";
  }
  return "?";
}

std::string_view explanation(UnitStatus status) {
  switch (status) {
    case UnitStatus::authentic:
      return "exactly as it was signed";
    case UnitStatus::altered:
      return "stands where a signed picture stood, with other content";
    case UnitStatus::missing:
      return "was signed and is not there any more";
    case UnitStatus::extra:
      return "is there and was never signed at this place";
    case UnitStatus::out_of_place:
      return "was signed, but stands elsewhere in the order";
    case UnitStatus::not_covered:
      return "no valid signature speaks about it";
  }
  return "";
}

std::string_view label(SignatureStatus status) {
  switch (status) {
    case SignatureStatus::valid:
      return "valid";
    case SignatureStatus::invalid:
      return "invalid";
    case SignatureStatus::none:
      return "none";
    case SignatureStatus::no_key:
      return "no certificate";
  }
  return "?";
}

std::string_view label(Provenance provenance) {
  switch (provenance) {
    case Provenance::trusted:
      return "trusted";
    case Provenance::untrusted:
      return "not trusted";
    case Provenance::unknown:
      return "not known";
  }
  return "?";
}

std::string with_separators(std::uint64_t value) {
  auto digits = std::to_string(value);
  for (auto at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string count_text(std::uint64_t count, std::string_view one, std::string_view many) {
  return with_separators(count) + " " + std::string(count == 1 ? one : many);
}

std::string picture_range(const signed_video::Finding& finding) {
  if (finding.first_picture == finding.last_picture)
    return "picture " + with_separators(finding.first_picture);
  return "pictures " + with_separators(finding.first_picture) + " to " +
         with_separators(finding.last_picture);
}

std::string clock_text(Ticks since_beginning) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(since_beginning).count();
  if (milliseconds < 0) return "-" + clock_text(-since_beginning);
  const auto hours = milliseconds / 3'600'000;
  const auto minutes = milliseconds / 60'000 % 60;
  const auto fraction = std::to_string(1000 + milliseconds % 1000).substr(1);
  const auto seconds = two_digits(milliseconds / 1000 % 60) + "." + fraction;
  if (hours == 0) return std::to_string(minutes) + ":" + seconds;
  return std::to_string(hours) + ":" + two_digits(minutes) + ":" + seconds;
}

std::string utc_text(Timestamp time) {
  auto text = to_iso8601(time);
  if (const auto t = text.find('T'); t != std::string::npos) text[t] = ' ';
  if (const auto dot = text.find('.'); dot != std::string::npos) {
    text = text.substr(0, std::min(dot + 4, text.size() - 1));
  } else {
    text.pop_back();
  }
  return text + " UTC";
}

std::string duration_text(Ticks duration) {
  const auto seconds = static_cast<double>(duration.count()) / 1e7;
  if (seconds < 120) return fixed(seconds, 1) + " s";
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 7200) return std::to_string(whole / 60) + " min " + two_digits(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + two_digits(whole / 60 % 60) + " min";
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1000) return count_text(bytes, "byte", "bytes");
  static constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  auto value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.95 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return fixed(value, 1) + " " + kUnits[unit];
}

std::string place_in_time(const signed_video::Finding& finding) {
  if (!finding.time) return {};
  if (finding.container_time) return clock_text(finding.time->time_since_epoch()) + " into the clip";
  return utc_text(*finding.time);
}

std::string container_text(std::string_view container) {
  if (container == "mp4") return "MP4";
  if (container == "fragmented_mp4") return "fragmented MP4";
  if (container == "annex_b") return "raw stream (Annex B)";
  if (container == "matroska") return "Matroska";
  if (container == "mpeg_ts") return "MPEG transport stream";
  return printable(container, 40);
}

std::vector<std::string> tallies(const signed_video::Report& report) {
  std::vector<std::string> parts;
  const auto add = [&](std::uint64_t count, std::string_view kind) {
    if (count != 0) parts.push_back(count_text(count, "picture ", "pictures ") + std::string(kind));
  };
  add(report.pictures_altered, "altered");
  add(report.pictures_missing, "missing");
  add(report.pictures_extra, "extra");
  add(report.pictures_out_of_place, "out of place");
  if (report.gops_missing != 0) {
    parts.push_back(count_text(report.gops_missing, "whole group of pictures missing",
                               "whole groups of pictures missing"));
  }
  return parts;
}

std::vector<std::string> recorded_before(const signed_video::Report& report, std::size_t limit) {
  std::vector<std::string> all;
  std::string untrusted;
  for (const auto& s : report.time_stamps) {
    if (s.verdict == crypto::TimeStampVerdict::untrusted)
      untrusted = s.authority.empty() ? "somebody" : s.authority;
    if (s.verdict != crypto::TimeStampVerdict::trusted || !s.time || !s.first_gop || !s.last_gop) continue;
    const auto range = *s.first_gop == *s.last_gop ? "group of pictures " + std::to_string(*s.first_gop)
                                                   : "groups of pictures " + std::to_string(*s.first_gop) +
                                                         " to " + std::to_string(*s.last_gop);
    all.push_back("recorded before " + utc_text(*s.time + s.accuracy.value_or(Ticks(0))) + ", says " +
                  printable(s.authority, 80) + " (" + range + ")");
  }
  if (all.empty() && !untrusted.empty())
    return {"time stamps of " + printable(untrusted, 80) + ", whom you do not trust to say the time"};
  if (all.size() <= limit || limit < 3) {
    if (all.size() > limit) all.resize(limit);
    return all;
  }
  const auto left_out = all.size() - (limit - 1);
  auto last = all.back();
  all.resize(limit - 2);
  all.push_back("and " + count_text(left_out, "time stamp", "time stamps") + " more");
  all.push_back(std::move(last));
  return all;
}

std::string key_evidence(const signed_video::Report& report) {
  using attestation::Standing;
  const signed_video::AttestationReport* best = nullptr;
  for (const auto& a : report.attestations) {
    if (a.standing == Standing::invalid) continue;
    if (best == nullptr || (best->standing != Standing::vouched && a.standing == Standing::vouched))
      best = &a;
  }
  return best == nullptr ? std::string() : printable(best->reason);
}

std::vector<std::string> method(const signed_video::Report& report) {
  const auto hash = report.hash.empty() ? std::string("a cryptographic hash") : printable(report.hash, 20);
  std::vector<std::string> out;
  const bool axis = report.format.starts_with("Axis");
  out.push_back(
      "A signing camera computes a fingerprint (" + hash +
      ") of every picture as it leaves the encoder, signs the list of fingerprints with its private "
      "key, and puts the signature into the video itself. The method is published by " +
      (axis ? "Axis as Signed Video." : "ONVIF as Media Signing."));
  out.push_back(
      "This program read every byte of video in the file, computed the same fingerprints, compared them one "
      "by one with "
      "the signed lists, checked each signature, and checked that each signed part names its predecessor, so "
      "that removed, "
      "inserted, repeated and reordered pictures show as well as altered ones.");
  out.push_back(
      "Pictures are counted from 0 in the order in which they were encoded; a missing picture has the number "
      "it would have "
      "had. A group of pictures (GOP) is what lies between two pictures that can be decoded on their own.");
  return out;
}

std::vector<std::string> limits(const Subject& subject, const signed_video::Report& report) {
  std::vector<std::string> out;
  out.push_back(
      "The check shows that the video was not changed after it was signed. It cannot show that what stood in "
      "front of the "
      "camera was real, nor that nothing happened outside its view.");
  const bool stamped = std::any_of(report.time_stamps.begin(), report.time_stamps.end(),
                                   [](const auto& s) { return s.last_gop.has_value(); });
  out.push_back(
      stamped ? "Times are those of the camera's clock, signed by the camera. A time stamp shows that a part "
                "existed before a moment, not that it was not recorded earlier."
              : "Times are those of the camera's clock, signed by the camera; nobody else vouches for them.");
  out.push_back(
      "Parts cut off before the first or behind the last signed picture cannot be noticed from the file "
      "alone.");
  std::string open;
  for (const auto& entry : covered(subject, report)) {
    if (!entry.complete()) open += (open.empty() ? "" : ", ") + entry.name;
  }
  if (!open.empty())
    out.push_back("No signature here speaks, wholly or in part, about: " + open +
                  ". Anybody may have changed that.");
  if (report.provenance == Provenance::unknown && report.verdict != Verdict::not_signed) {
    out.push_back(
        "Without a certificate authority that you trust (--trust), anybody could have signed this clip: the "
        "check then says "
        "that it is unchanged, not whose it is.");
  }
  return out;
}

}  // namespace camvault::report

// A report as the verifier would give it for a clip in which everything happened, and one in which nothing
// did.
#pragma once

#include "camvault/report/subject.h"
#include "camvault/signed_video/report.h"

namespace camvault::report {

inline Timestamp sample_time(double seconds) {
  return from_unix_seconds(1'795'262'400) +
         Ticks(static_cast<std::int64_t>(seconds * 1e7));  // 2026-11-21T12:00:00Z
}

inline Subject sample_subject() {
  Subject s;
  s.file_name = "recording.mp4";
  s.file_bytes = 12'345'678;
  s.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  s.container = "mp4";
  s.width = 1280;
  s.height = 720;
  s.duration = Ticks(200'000'000);
  s.tool_version = "0.1.0";
  s.checked_at = sample_time(3600);
  return s;
}

inline signed_video::Report sample_authentic() {
  using namespace signed_video;
  Report r;
  r.verdict = Verdict::authentic;
  r.verdict_reason = "all pictures are as they were signed";
  r.provenance = Provenance::trusted;
  r.provenance_reason = "the chain leads to CN=Example Device Root CA";
  r.judged_at = sample_time(0);
  r.hash = "SHA-256";
  r.signer = SignerInfo{"serialNumber=CV-000042,CN=Example Camera,O=Example Cameras",
                        "CN=Example Device CA",
                        "CV-000042",
                        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                        "Example Cameras",
                        "1.2.3",
                        "CV-000042",
                        "ec-p256",
                        false};
  r.first_time = sample_time(0);
  r.last_time = sample_time(20);
  r.units = 640;
  r.bytes = 12'000'000;
  r.pictures = 600;
  r.pictures_authentic = 600;
  r.seis_signed = 20;
  for (std::uint32_t i = 0; i < 20; ++i) {
    r.gops.push_back({i,
                      UnitStatus::authentic,
                      SignatureStatus::valid,
                      true,
                      i * 30,
                      30,
                      sample_time(i),
                      sample_time(i + 1),
                      {}});
  }
  r.notes.push_back(
      {NoteKind::not_covered_by_format, 0, 40, "40 parameter sets are not covered by the format"});
  return r;
}

inline Timestamp sample_clip_time(double seconds) {
  return Timestamp(Ticks(static_cast<std::int64_t>(seconds * 1e7)));
}

inline signed_video::Report sample_forged() {
  using namespace signed_video;
  auto r = sample_authentic();
  r.verdict = Verdict::not_authentic;
  r.verdict_reason = "1 picture was altered and 3 were put in.";
  r.pictures_authentic = 562;
  r.pictures_altered = 1;
  r.pictures_missing = 30;
  r.pictures_extra = 3;
  r.pictures_out_of_place = 4;
  r.pictures_not_covered = 30;
  r.findings = {
      {UnitStatus::altered, 137, 137, 137, 4, 1, sample_clip_time(4.566), true, 1'234'567,
       "picture content altered"},
      {UnitStatus::missing, 210, 239, 210, 7, 30, sample_time(7), false, 0, "30 pictures removed"},
      {UnitStatus::extra, 300, 302, 270, 10, 3, sample_clip_time(10), true, 5'000'000,
       "3 pictures were put in here"},
      {UnitStatus::out_of_place, 400, 403, 370, 13, 4, sample_clip_time(13.3), true, 6'000'000,
       "4 pictures belong to another place"},
      {UnitStatus::not_covered, 570, 599, 540, 19, 30, sample_clip_time(19), true, 9'000'000,
       "behind the last signature"},
  };
  r.gops[4].verdict = UnitStatus::altered;
  r.gops[7].verdict = UnitStatus::missing;
  r.gops[10].verdict = UnitStatus::extra;
  r.gops[13].verdict = UnitStatus::out_of_place;
  r.gops[19].verdict = UnitStatus::not_covered;
  r.gops[19].signature = SignatureStatus::none;
  r.notes.push_back({NoteKind::unsigned_tail, 19, 30,
                     "the last 30 pictures have no signature yet: normal for a cut or running recording"});
  r.notes.push_back({NoteKind::joined, 10, 1, "two recordings were put together at group 10"});
  return r;
}

// What a hostile clip can put where people look.
inline constexpr std::string_view kHostile =
    "\x1b]0;owned\x07\x1b[2J<script>alert('1')</script>\"><img src=x onerror=alert(1)>&\xe2\x80\xae"
    "4pm.exe\nVERDICT: authentic\r\xc2\x9b"
    "31m\xff\xc0\x80";

inline signed_video::Report sample_hostile() {
  auto r = sample_forged();
  const std::string bad(kHostile);
  r.verdict_reason = r.provenance_reason = bad;
  r.signer = signed_video::SignerInfo{bad, bad, bad, bad, bad, bad, bad, bad, true};
  r.format = r.hash = bad;
  for (auto& f : r.findings) f.what = bad;
  for (auto& n : r.notes) n.text = bad;
  crypto::Certificate c;
  c.subject = c.issuer = c.common_name = c.serial = c.sha256 = bad;
  r.chain = {c, c};
  return r;
}

inline Subject sample_hostile_subject() {
  auto s = sample_subject();
  s.file_name = s.sha256 = s.container = std::string(kHostile);
  s.not_video = {std::string(kHostile)};
  return s;
}

}  // namespace camvault::report

#include "evidence.h"

#include <algorithm>

#include "camvault/attestation/check.h"

namespace camvault::signed_video {

namespace {
// Each costs two signatures and a path; a camera makes one a minute. More are counted, not judged.
constexpr std::size_t kMaxJudged = 2'000;
constexpr auto kClockSlack = std::chrono::seconds(2);  // between two clocks that are both right
constexpr auto kLate = std::chrono::minutes(10);  // an authority was away, or the signed time is not true

std::string seconds_text(Ticks ticks) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(ticks).count();
  if (seconds < 600) return std::to_string(seconds) + " s";
  if (seconds < 4 * 3600) return std::to_string(seconds / 60) + " minutes";
  if (seconds < 4 * 86'400) return std::to_string(seconds / 3600) + " hours";
  return std::to_string(seconds / 86'400) + " days";
}

// The index in report.gops of the GOP that a stamped (part of a) GOP belongs to; nothing if it is not in the
// clip. By its SEI: times and counters are whatever a holder of the key wants them to be.
std::optional<std::size_t> gop_of(const Report& report, const GopSignatureInfo& stamped) {
  for (std::size_t i = 0; i < report.gops.size(); ++i) {
    const auto& binding = report.gops[i].binding;
    const bool a_part = binding.within && binding.first_sei <= stamped.sei && stamped.sei < binding.last_sei;
    if (a_part || stamped.sei == binding.last_sei) return i;
  }
  return std::nullopt;
}

// A stamp on one signature speaks about all that is bound to it: GOP by GOP backwards, as far as supplements
// name what stands before them.
void cover(Report& report, TimeStampReport& stamp, std::size_t last, const GopSignatureInfo& stamped,
           std::uint32_t number) {
  const auto reaches_before = [&](std::size_t at) {
    if (at == 0 || !stamped.of_supplement) return false;
    const auto& binding = report.gops[at].binding;
    const auto& before = report.gops[at - 1].binding;
    return binding.within && binding.before && report.gops[at].linked && before.named && before.within;
  };
  const auto& binding = report.gops[last].binding;
  // Later parts of it are not under the stamp, nor are earlier ones that nothing binds to this one.
  const bool whole = stamped.sei == binding.last_sei &&
                     (binding.parts == 1 || (stamped.of_supplement && binding.named && binding.within));
  std::size_t at = last;
  if (!whole) {
    if (!reaches_before(at)) return;
    --at;
  }
  stamp.last_gop = report.gops[at].index;
  for (;; --at) {
    auto& covered = report.gops[at];
    if (covered.time_stamp) {  // an earlier stamp says more about it and all before
      stamp.first_gop = at == last ? *stamp.last_gop : report.gops[at + 1].index;
      return;
    }
    covered.time_stamp = number;
    stamp.first_gop = covered.index;
    if (!reaches_before(at)) return;
  }
}

struct Differences {
  std::uint64_t contradicting = 0;
  Ticks ahead{0};
  std::uint64_t late = 0;
  Ticks behind{0};
};

void compare(const TimeStampReport& stamp, Differences& found) {
  if (!stamp.signed_time || !stamp.time) return;
  const auto accuracy = stamp.accuracy.value_or(Ticks(0));
  const auto ahead = *stamp.signed_time - (*stamp.time + accuracy);
  const auto behind = (*stamp.time - accuracy) - *stamp.signed_time;
  if (ahead > kClockSlack) {
    ++found.contradicting;
    found.ahead = std::max(found.ahead, Ticks(ahead));
  } else if (behind > kLate) {
    ++found.late;
    found.behind = std::max(found.behind, Ticks(behind));
  }
}

void note_differences(const Differences& found, Report& report) {
  if (found.contradicting > 0) {
    report.notes.push_back({NoteKind::time_stamp_contradicts, 0, found.contradicting,
                            "the camera signed times up to " + seconds_text(found.ahead) +
                                " later than the time stamp over them: its clock was ahead"});
  }
  if (found.late > 0) {
    report.notes.push_back(
        {NoteKind::time_stamp_late, 0, found.late,
         "time stamps were made up to " + seconds_text(found.behind) +
             " after the time that the camera signed: they show that the video is at least as old as "
             "they say, not that it is as old as the camera says"});
  }
}
}  // namespace

void judge_time_stamps(const crypto::Engine& engine, const VerifyOptions& options, Report& report) {
  Differences found;
  std::uint64_t unusable = 0;
  std::uint64_t not_judged = 0;
  std::string why;
  for (const auto& record : report.records) {
    if (record.type != static_cast<std::uint16_t>(RecordType::time_stamp)) continue;
    if (report.time_stamps.size() == kMaxJudged) {
      ++not_judged;
      continue;
    }
    TimeStampReport stamp;
    const auto read = read_time_stamp_record(record.value);
    if (!read) {
      ++unusable;
      why = read.error().what;
      continue;
    }
    crypto::TimeStampCheck check;
    check.token = read->token;
    check.imprint.size = static_cast<std::uint8_t>(read->signature_sha256.size());
    std::copy(read->signature_sha256.begin(), read->signature_sha256.end(), check.imprint.bytes.begin());
    check.anchors = &options.tsa_anchors;
    check.crls = options.crls.empty() ? nullptr : &options.crls;
    check.ocsp = options.ocsp.empty() ? nullptr : &options.ocsp;
    const auto result = engine.check_time_stamp(check);
    stamp.verdict = result.verdict;
    stamp.reason = result.reason;
    stamp.time = result.time;
    stamp.accuracy = result.accuracy;
    stamp.authority = result.authority;
    stamp.fingerprint = result.fingerprint;
    stamp.policy = result.policy;
    stamp.serial = result.serial;
    stamp.revocation_checked = result.revocation_checked;
    const bool good = result.verdict == crypto::TimeStampVerdict::trusted;
    if (result.verdict == crypto::TimeStampVerdict::invalid ||
        result.verdict == crypto::TimeStampVerdict::malformed) {
      ++unusable;
      why = result.reason;
    }
    if (record.stamped) {
      stamp.signed_time = record.stamped->start;
      const auto gop = gop_of(report, *record.stamped);
      if (good && gop)
        cover(report, stamp, *gop, *record.stamped, static_cast<std::uint32_t>(report.time_stamps.size()));
      if (good) compare(stamp, found);
    }
    report.time_stamps.push_back(std::move(stamp));
  }
  if (unusable > 0)
    report.notes.push_back(
        {NoteKind::time_stamp_invalid, 0, unusable, "a time stamp in the clip is worth nothing: " + why});
  if (not_judged > 0)
    report.notes.push_back(
        {NoteKind::time_stamp_invalid, 0, not_judged, "more time stamps than are judged stand in the clip"});
  note_differences(found, report);
}

ProvenTime proven_time(const Report& report) {
  ProvenTime out;
  for (const auto& stamp : report.time_stamps) {
    if (stamp.verdict != crypto::TimeStampVerdict::trusted || !stamp.time || !stamp.last_gop) continue;
    const auto at = *stamp.time + stamp.accuracy.value_or(Ticks(0));
    if (!out.first || at < *out.first) out.first = at;
    if (!out.last || at > *out.last) out.last = at;
  }
  out.whole_clip = out.first && std::all_of(report.gops.begin(), report.gops.end(), [](const GopReport& gop) {
                     return gop.time_stamp.has_value() || gop.verdict == UnitStatus::missing;
                   });
  return out;
}

ProvenTime proven_time(const Report& report, Timestamp begin, Timestamp end) {
  ProvenTime out;
  out.whole_clip = true;
  for (const auto& gop : report.gops) {
    if (!gop.start || *gop.start < begin || *gop.start >= end || gop.verdict == UnitStatus::missing) continue;
    out.whole_clip = out.whole_clip && gop.time_stamp;
    if (!gop.time_stamp) continue;
    const auto& stamp = report.time_stamps[*gop.time_stamp];
    const auto at = *stamp.time + stamp.accuracy.value_or(Ticks(0));
    out.first = std::min(out.first.value_or(at), at);
    out.last = std::max(out.last.value_or(at), at);
  }
  out.whole_clip = out.whole_clip && out.first;
  return out;
}

namespace {
// One piece of evidence against one certificate.
attestation::Finding check_against(const crypto::Engine& engine, const crypto::Certificate& signer,
                                   const AttestationRecord& record,
                                   const std::vector<crypto::Certificate>& anchors, const Report& report) {
  attestation::Check check;
  check.type = record.backend;
  check.evidence = record.evidence;
  const auto spki = signer.key ? signer.key->spki_der() : Bytes();
  check.spki = spki;
  check.nonce = record.nonce;
  // A module's attestation key has a certificate of its own, or is the one that the signer's names.
  if (!signer.attester.empty()) {
    check.attester.emplace();
    check.attester->size = static_cast<std::uint8_t>(signer.attester.size());
    std::copy(signer.attester.begin(), signer.attester.end(), check.attester->bytes.begin());
  }
  check.anchors = &anchors;
  check.at = report.last_time.value_or(report.first_time.value_or(Timestamp()));
  return attestation::check(engine, check);
}
}  // namespace

void judge_attestations(const crypto::Engine& engine, const std::vector<crypto::Certificate>& signers,
                        const std::vector<crypto::Certificate>& anchors, Report& report) {
  std::uint64_t refused = 0;
  std::string why;
  for (const auto& record : report.records) {
    if (record.type != static_cast<std::uint16_t>(RecordType::attestation) ||
        report.attestations.size() == kMaxJudged)
      continue;
    AttestationReport out;
    out.gop = record.gop;
    const auto read = read_attestation_record(record.value);
    if (!read) {
      ++refused;
      why = read.error().what;
      continue;
    }
    out.kind = read->backend;
    const auto signer = std::find_if(signers.begin(), signers.end(),
                                     [&](const auto& s) { return s.sha256 == record.signer; });
    if (signer == signers.end()) continue;
    auto found = check_against(engine, *signer, *read, anchors, report);
    // Around a change of keys: a slow module's word about the old one, or a quick one's about the new.
    for (const auto step : {-1, 1}) {
      const auto other = signer - signers.begin() + step;
      if (found.refusal != attestation::Refusal::another_key || other < 0 || other >= std::ssize(signers))
        continue;
      found = check_against(engine, signers[static_cast<std::size_t>(other)], *read, anchors, report);
    }
    out.standing = found.standing;
    out.reason = found.reason;
    if (found.origin) out.origin = attestation::to_string(*found.origin);
    out.backend = found.backend;
    out.simulator = found.simulator;
    if (found.statement) out.stated = found.statement->stated;
    if (found.standing == attestation::Standing::invalid) {
      ++refused;
      why = found.reason;
    }
    report.attestations.push_back(std::move(out));
  }
  if (refused > 0)
    report.notes.push_back({NoteKind::attestation_invalid, 0, refused,
                            "evidence about the signing key is worth nothing: " + why});
}

}  // namespace camvault::signed_video

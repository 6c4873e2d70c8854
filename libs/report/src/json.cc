#include "camvault/report/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>

#include "covered.h"
#include "words.h"

namespace camvault::report {

namespace {
using Json = nlohmann::ordered_json;
using signed_video::Finding;
using signed_video::UnitStatus;

Json time_or_null(const std::optional<Timestamp>& time) {
  return time ? Json(to_iso8601(*time)) : Json(nullptr);
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json seconds(Ticks ticks) {
  return static_cast<double>(ticks.count()) / 1e7;
}

std::string name(std::string_view text) {
  return std::string(text);
}

Json file_of(const Subject& subject, const signed_video::Report& report) {
  return Json{{"name", subject.file_name},
              {"bytes", subject.file_bytes},
              {"sha256", text_or_null(subject.sha256)},
              {"container", text_or_null(subject.container)},
              {"codec", name(codec::to_string(report.codec))},
              {"width", subject.width == 0 ? Json(nullptr) : Json(subject.width)},
              {"height", subject.height == 0 ? Json(nullptr) : Json(subject.height)},
              {"duration_seconds", subject.duration ? seconds(*subject.duration) : Json(nullptr)},
              {"other_tracks", subject.not_video}};
}

Json signer_of(const signed_video::Report& report) {
  if (!report.signer) return nullptr;
  const auto& s = *report.signer;
  return Json{{"subject", s.subject},
              {"issuer", s.issuer},
              {"serial", s.serial},
              {"fingerprint_sha256", s.fingerprint},
              {"key", s.key},
              {"user_provisioned", s.user_provisioned},
              {"vendor",
               {{"manufacturer", s.vendor_manufacturer},
                {"firmware", s.vendor_firmware},
                {"serial", s.vendor_serial}}}};
}

Json signers_of(const signed_video::Report& report) {
  Json out = Json::array();
  for (const auto& s : report.signers) {
    out.push_back({{"subject", s.subject},
                   {"issuer", s.issuer},
                   {"number", s.number},
                   {"fingerprint_sha256", s.fingerprint},
                   {"not_after", time_or_null(s.end)},
                   {"vouched_by", name(to_string(s.vouched))},
                   {"first_time", time_or_null(s.first_time)},
                   {"last_time", time_or_null(s.last_time)},
                   {"first_gop", s.first_gop ? Json(*s.first_gop) : Json(nullptr)}});
  }
  return out;
}

Json chain_of(const signed_video::Report& report) {
  Json chain = Json::array();
  for (const auto& c : report.chain) {
    chain.push_back({{"subject", c.subject},
                     {"issuer", c.issuer},
                     {"serial", c.serial},
                     {"not_before", to_iso8601(c.not_before)},
                     {"not_after", to_iso8601(c.not_after)},
                     {"fingerprint_sha256", c.sha256}});
  }
  return chain;
}

Json gops_of(const signed_video::Report& report) {
  Json gops = Json::array();
  for (const auto& g : report.gops) {
    gops.push_back({{"index", g.index},
                    {"verdict", name(to_string(g.verdict))},
                    {"signature", name(to_string(g.signature))},
                    {"linked", g.linked},
                    {"time", time_or_null(g.start)},
                    {"end_time", time_or_null(g.end)},
                    {"time_stamp", g.time_stamp ? Json(*g.time_stamp) : Json(nullptr)},
                    {"first_frame", g.first_picture},
                    {"frames", g.pictures}});
  }
  return gops;
}

Json time_stamps_of(const signed_video::Report& report) {
  Json out = Json::array();
  const auto number = [](const std::optional<std::uint32_t>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  for (const auto& s : report.time_stamps) {
    out.push_back({{"verdict", name(to_string(s.verdict))},
                   {"reason", s.reason},
                   {"time", time_or_null(s.time)},
                   {"accuracy_seconds", s.accuracy ? seconds(*s.accuracy) : Json(nullptr)},
                   {"authority", text_or_null(s.authority)},
                   {"fingerprint_sha256", text_or_null(s.fingerprint)},
                   {"policy", text_or_null(s.policy)},
                   {"serial", text_or_null(s.serial)},
                   {"revocation_checked", s.revocation_checked},
                   {"signed_time", time_or_null(s.signed_time)},
                   {"first_gop", number(s.first_gop)},
                   {"last_gop", number(s.last_gop)}});
  }
  return out;
}

Json attestations_of(const signed_video::Report& report) {
  Json out = Json::array();
  for (const auto& a : report.attestations) {
    out.push_back({{"standing", name(to_string(a.standing))},
                   {"reason", a.reason},
                   {"kind", text_or_null(a.kind)},
                   {"origin", text_or_null(a.origin)},
                   {"backend", text_or_null(a.backend)},
                   {"simulator", a.simulator},
                   {"stated", time_or_null(a.stated)},
                   {"gop", a.gop}});
  }
  return out;
}

// The signed time of a finding is that of its GOP when the finding itself only knows the container's clock.
class SignedTimes {
 public:
  explicit SignedTimes(const signed_video::Report& report) {
    for (const auto& g : report.gops) {
      if (g.start) starts_.emplace_back(g.index, *g.start);
    }
    std::sort(starts_.begin(), starts_.end());
  }
  Json of(const Finding& finding) const {
    if (finding.time && !finding.container_time) return to_iso8601(*finding.time);
    const auto at = std::lower_bound(starts_.begin(), starts_.end(), finding.gop,
                                     [](const auto& entry, std::uint32_t gop) { return entry.first < gop; });
    if (at == starts_.end() || at->first != finding.gop) return nullptr;
    return to_iso8601(at->second);
  }

 private:
  std::vector<std::pair<std::uint32_t, Timestamp>> starts_;
};

Json clip_seconds(const Finding& finding) {
  if (!finding.time || !finding.container_time) return nullptr;
  return seconds(finding.time->time_since_epoch());
}

Json frames_of(const signed_video::Report& report, const SignedTimes& times) {
  Json not_authentic = Json::array();
  Json not_covered = Json::array();
  bool truncated = report.findings_truncated;
  for (const auto& f : report.findings) {
    if (f.status == UnitStatus::authentic) continue;
    if (f.status == UnitStatus::not_covered) {
      not_covered.push_back({{"first", f.first_picture},
                             {"last", f.last_picture},
                             {"kind", name(to_string(f.status))},
                             {"gop", f.gop},
                             {"time", times.of(f)},
                             {"clip_seconds", clip_seconds(f)},
                             {"what", f.what}});
      continue;
    }
    for (std::uint64_t index = f.first_picture; index <= f.last_picture; ++index) {
      if (not_authentic.size() == kMaxJsonFrames) {
        truncated = true;
        break;
      }
      const bool first = index == f.first_picture;
      not_authentic.push_back(
          {{"index", index},
           {"kind", name(to_string(f.status))},
           {"time", times.of(f)},
           {"clip_index", f.status == UnitStatus::missing ? Json(nullptr)
                                                          : Json(f.clip_picture + (index - f.first_picture))},
           {"clip_seconds", first ? clip_seconds(f) : Json(nullptr)},
           {"gop", f.gop},
           {"offset", first && f.status != UnitStatus::missing ? Json(f.offset) : Json(nullptr)},
           {"what", f.what}});
    }
  }
  return Json{{"count", report.pictures},
              {"authentic", report.pictures_authentic},
              {"altered", report.pictures_altered},
              {"missing", report.pictures_missing},
              {"extra", report.pictures_extra},
              {"out_of_place", report.pictures_out_of_place},
              {"not_covered", report.pictures_not_covered},
              {"not_authentic", std::move(not_authentic)},
              {"not_covered_runs", std::move(not_covered)},
              {"truncated", truncated},
              {"limit", kMaxJsonFrames}};
}

Json coverage_of(const Subject& subject, const signed_video::Report& report) {
  Json list = Json::array();
  for (const auto& entry : covered(subject, report)) {
    list.push_back({{"what", name(entry.what)},
                    {"name", entry.name},
                    {"count", entry.count},
                    {"covered", entry.covered},
                    {"complete", entry.complete()},
                    {"text", entry.words}});
  }
  return list;
}

Json supplement_of(const signed_video::Report& report) {
  const auto& s = report.supplement;
  Json tracks = Json::array();
  for (const auto& t : s.tracks) {
    tracks.push_back({{"kind", name(codec::to_string(t.kind))},
                      {"track", t.track},
                      {"samples", t.samples},
                      {"authentic", t.authentic},
                      {"altered", t.altered},
                      {"missing", t.missing},
                      {"extra", t.extra},
                      {"out_of_place", t.out_of_place},
                      {"at_another_time", t.retimed},
                      {"not_covered", t.not_covered}});
  }
  Json records = Json::array();
  for (const auto& record : report.records) {
    records.push_back(
        {{"type", record.type},
         {"name", name(signed_video::name_of_record(record.type))},
         {"gop", record.gop},
         {"bytes", record.value.size()},
         {"stamped_gop_time", record.stamped ? time_or_null(record.stamped->start) : Json(nullptr)}});
  }
  return Json{{"promised", s.promised},        {"messages", s.supplements},
              {"groups_compared", s.gops},     {"tracks", std::move(tracks)},
              {"records", std::move(records)}, {"records_truncated", report.records_truncated}};
}

Json export_of(const Subject& subject) {
  if (!subject.packing) return nullptr;
  const auto& p = *subject.packing;
  Json out{{"as_packed", p.as_packed()}, {"bundle", nullptr}, {"seal", nullptr}};
  if (p.bundle)
    out["bundle"] = {
        {"files", p.files}, {"problems", p.problems}, {"report_signed_by", text_or_null(p.report_signed_by)}};
  if (p.exported)
    out["seal"] = {{"exported_at", time_or_null(p.exported_at)},
                   {"seals", p.seals},
                   {"broken", p.broken},
                   {"sealed_by", text_or_null(p.sealed_by)}};
  return out;
}

Json notes_of(const signed_video::Report& report) {
  Json notes = Json::array();
  for (const auto& n : report.notes) {
    notes.push_back({{"kind", name(to_string(n.kind))},
                     {"label", name(label(n.kind))},
                     {"warning", is_warning(n.kind)},
                     {"gop", n.gop},
                     {"count", n.count},
                     {"text", n.text}});
  }
  return notes;
}
}  // namespace

std::string to_json(const Subject& subject, const signed_video::Report& report) {
  Json out;
  out["schema"] = "camvault-verification-report";
  out["version"] = kJsonVersion;
  out["tool"] = {{"name", "camvault"}, {"version", subject.tool_version}};
  out["checked_at"] = time_or_null(subject.checked_at);
  out["file"] = file_of(subject, report);
  out["export"] = export_of(subject);
  out["verdict"] = name(to_string(report.verdict));
  out["verdict_reason"] = report.verdict_reason;
  out["provenance"] = name(to_string(report.provenance));
  out["provenance_reason"] = report.provenance_reason;
  out["revoked"] = report.revoked;
  out["certificates_judged_at"] = time_or_null(report.judged_at);
  out["certificates_judged_at_given"] = report.judged_at_given;
  out["certificates_judged_at_time_stamp"] = report.judged_at_stamped;
  out["trust_store"] = text_or_null(subject.trust_store);
  out["signer"] = signer_of(report);
  out["signers"] = signers_of(report);
  out["chain"] = chain_of(report);
  out["first_time"] = time_or_null(report.first_time);
  out["last_time"] = time_or_null(report.last_time);
  out["time_stamps"] = time_stamps_of(report);
  out["attestations"] = attestations_of(report);
  out["signing"] = {{"format", report.format},
                    {"hash", text_or_null(report.hash)},
                    {"seis_signed", report.seis_signed},
                    {"seis_unsigned", report.seis_unsigned},
                    {"units", report.units},
                    {"bytes", report.bytes}};
  out["gops"] = gops_of(report);
  out["gops_missing"] = report.gops_missing;
  out["frames"] = frames_of(report, SignedTimes(report));
  out["coverage"] = coverage_of(subject, report);
  out["supplement"] = supplement_of(report);
  out["notes"] = notes_of(report);
  // Foreign text may be broken UTF-8; a report must come out all the same. ASCII output carries no terminal
  // controls.
  return out.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace camvault::report

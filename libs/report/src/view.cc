#include "camvault/report/view.h"

#include <nlohmann/json.hpp>

#include "camvault/report/text.h"
#include "covered.h"
#include "words.h"

namespace camvault::report {

namespace {
using Json = nlohmann::ordered_json;
using signed_video::Provenance;
using signed_video::UnitStatus;
using signed_video::Verdict;

constexpr std::size_t kParagraph = 2'000;

std::string name(std::string_view text) {
  return std::string(text);
}

class Facts {
 public:
  // Empty lines are left out, and a fact without any.
  void add(std::string_view what, std::initializer_list<std::string> lines) {
    Json shown = Json::array();
    for (const auto& line : lines) {
      if (!line.empty()) shown.push_back(printable(line));
    }
    if (!shown.empty()) list_.push_back({{"name", name(what)}, {"lines", std::move(shown)}});
  }
  Json take() { return std::move(list_); }

 private:
  Json list_ = Json::array();
};

std::string prefixed(std::string_view before, const std::string& text) {
  return text.empty() ? std::string() : name(before) + text;
}

std::string content_text(const Subject& subject, const signed_video::Report& report) {
  auto text = count_text(report.pictures, "picture", "pictures") + ", " + name(codec::name_of(report.codec));
  if (subject.width != 0) {
    text += ", " + std::to_string(subject.width) + " \xc3\x97 " + std::to_string(subject.height);
  }
  if (subject.duration) text += ", " + duration_text(*subject.duration);
  if (!subject.container.empty()) text += ", " + container_text(subject.container);
  return text;
}

std::string counted_text(const signed_video::Report& report) {
  auto text = with_separators(report.pictures_authentic) + " authentic";
  for (const auto& part : tallies(report)) text += ", " + part;
  if (report.pictures_not_covered != 0)
    text += ", " + with_separators(report.pictures_not_covered) + " not covered by a signature";
  return text;
}

Json facts_of(const Subject& subject, const signed_video::Report& report) {
  Facts facts;
  facts.add("File", {subject.file_name, bytes_text(subject.file_bytes)});
  if (report.signer) {
    const auto& s = *report.signer;
    facts.add("Camera, as its certificate and signature say",
              {s.vendor_manufacturer.empty() ? s.subject : s.vendor_manufacturer,
               prefixed("serial number ", s.serial.empty() ? s.vendor_serial : s.serial),
               prefixed("firmware ", s.vendor_firmware)});
  }
  if (report.first_time) {
    facts.add("Recorded, by the camera's clock",
              {utc_text(*report.first_time),
               report.last_time ? "to " + utc_text(*report.last_time) : std::string()});
  }
  facts.add("Content", {content_text(subject, report)});
  facts.add("Pictures counted", {counted_text(report)});
  if (report.judged_at) {
    facts.add("Certificates judged at",
              {utc_text(*report.judged_at),
               report.judged_at_given ? "as asked for; not the recording time" : "the recording time"});
  }
  return facts.take();
}

Json signer_of(const signed_video::Report& report) {
  Facts facts;
  if (report.signer) {
    const auto& s = *report.signer;
    facts.add("Signer's certificate", {s.subject});
    facts.add("Issued by", {s.issuer});
    facts.add("Key", {s.key, s.user_provisioned ? "provisioned by the user, not the maker" : ""});
    facts.add("Fingerprint, SHA-256", {s.fingerprint});
    facts.add("Format", {report.format + (report.hash.empty() ? "" : ", " + report.hash),
                         count_text(report.seis_signed, "signature", "signatures")});
  }
  for (std::size_t i = 1; i < report.chain.size(); ++i) {
    const auto& c = report.chain[i];
    facts.add("Intermediate certificate",
              {c.subject, utc_text(c.not_before) + " to " + utc_text(c.not_after), c.sha256});
  }
  return facts.take();
}

Json origin_of(const signed_video::Report& report) {
  if (report.verdict == Verdict::not_signed) return nullptr;
  const auto mood = report.provenance == Provenance::trusted     ? Mood::good
                    : report.provenance == Provenance::untrusted ? Mood::bad
                                                                 : Mood::neutral;
  return {{"mood", name(to_string(mood))},
          {"label", name(label(report.provenance))},
          {"reason", printable(report.provenance_reason)}};
}

Json statuses() {
  Json all = Json::object();
  for (const auto status : {UnitStatus::authentic, UnitStatus::altered, UnitStatus::missing,
                            UnitStatus::extra, UnitStatus::out_of_place, UnitStatus::not_covered}) {
    all[name(to_string(status))] = {{"label", name(label(status))},
                                    {"explanation", name(explanation(status))}};
  }
  return all;
}

void put_runs(Json& out, const signed_video::Report& report) {
  Json runs = Json::array();
  std::size_t more = 0;
  for (const auto& f : report.findings) {
    if (f.status == UnitStatus::authentic) continue;
    if (runs.size() == kMaxViewRuns) {
      ++more;
      continue;
    }
    const bool has_seconds = f.time && f.container_time;
    runs.push_back(
        {{"status", name(to_string(f.status))},
         {"first", f.first_picture},
         {"last", f.last_picture},
         {"clip", f.clip_picture},
         {"where", place_in_time(f)},
         {"seconds",
          has_seconds ? Json(static_cast<double>(f.time->time_since_epoch().count()) / 1e7) : Json()},
         {"what", printable(f.what)}});
  }
  out["runs"] = std::move(runs);
  out["runs_more"] = more;
}

Json gops_of(const signed_video::Report& report) {
  Json gops = Json::array();
  for (const auto& g : report.gops) {
    if (gops.size() == kMaxViewGops) break;
    gops.push_back({{"index", g.index},
                    {"first", g.first_picture},
                    {"pictures", g.pictures},
                    {"status", name(to_string(g.verdict))},
                    {"label", name(label(g.verdict))},
                    {"signature", name(label(g.signature))},
                    {"linked", g.linked},
                    {"start", g.start ? Json(utc_text(*g.start)) : Json()}});
  }
  return gops;
}

Json paragraphs(const std::vector<std::string>& texts) {
  Json all = Json::array();
  for (const auto& text : texts) all.push_back(printable(text, kParagraph));
  return all;
}
}  // namespace

std::string to_view_json(const Subject& subject, const signed_video::Report& report) {
  const auto head = headline(report);
  Json out;
  out["mood"] = name(to_string(head.mood));
  out["title"] = printable(head.title);
  out["sentence"] = printable(head.sentence, kParagraph);
  out["origin"] = origin_of(report);
  out["facts"] = facts_of(subject, report);
  out["statuses"] = statuses();
  put_runs(out, report);
  out["gops"] = gops_of(report);
  out["notes"] = Json::array();
  for (const auto& note : report.notes)
    out["notes"].push_back({{"warning", is_warning(note.kind)},
                            {"label", name(label(note.kind))},
                            {"text", printable(note.text, kParagraph)}});
  out["covered"] = Json::array();
  for (const auto& entry : covered(subject, report))
    out["covered"].push_back({{"name", entry.name}, {"words", entry.words}, {"fine", entry.fine()}});
  out["signer"] = signer_of(report);
  out["method"] = paragraphs(method(report));
  out["limits"] = paragraphs(limits(subject, report));
  return out.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace camvault::report

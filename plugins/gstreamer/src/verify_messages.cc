#include "verify_messages.h"

#include "camvault/report/json.h"
#include "camvault/report/text.h"

// The macros of GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_elements {

namespace {

using signed_video::GopReport;
using signed_video::Report;

// Views of constants end where the literal ends.
void set_text(GstStructure* out, const char* field, std::string_view text) {
  gst_structure_set(out, field, G_TYPE_STRING, std::string(text).c_str(), nullptr);
}

// Names in certificates are foreign text.
void set_foreign(GstStructure* out, const char* field, const std::string& text) {
  set_text(out, field, report::printable(text));
}

void set_time(GstStructure* out, const char* field, const std::optional<Timestamp>& time) {
  if (time) set_text(out, field, to_iso8601(*time));
}

const char* text_of(ReportReason reason) {
  switch (reason) {
    case ReportReason::end_of_stream:
      return "end-of-stream";
    case ReportReason::flushed:
      return "flushed";
    case ReportReason::format_changed:
      return "format-changed";
    case ReportReason::stopped:
      return "stopped";
  }
  return "?";
}

void set_origin(GstStructure* out, const Report& report) {
  set_text(out, "provenance", to_string(report.provenance));
  set_foreign(out, "provenance-reason", report.provenance_reason);
  if (report.signer) {
    set_foreign(out, "signer", report.signer->subject);
    set_foreign(out, "serial", report.signer->serial);
    set_text(out, "fingerprint", report.signer->fingerprint);
  }
}

}  // namespace

GstStructure* gop_structure(const GopReport& gop) {
  auto* out = gst_structure_new("camvault-gop", "index", G_TYPE_UINT, gop.index, "first-picture", G_TYPE_UINT,
                                gop.first_picture, "pictures", G_TYPE_UINT, gop.pictures, "linked",
                                G_TYPE_BOOLEAN, gop.linked ? 1 : 0, nullptr);
  set_text(out, "verdict", to_string(gop.verdict));
  set_text(out, "signature", to_string(gop.signature));
  set_time(out, "start", gop.start);
  set_time(out, "end", gop.end);
  return out;
}

GstStructure* report_structure(const Report& report, ReportReason reason, const std::string& json) {
  auto* out = gst_structure_new(
      "camvault-report", "reason", G_TYPE_STRING, text_of(reason), "pictures", G_TYPE_UINT, report.pictures,
      "authentic", G_TYPE_UINT, report.pictures_authentic, "altered", G_TYPE_UINT, report.pictures_altered,
      "missing", G_TYPE_UINT, report.pictures_missing, "extra", G_TYPE_UINT, report.pictures_extra,
      "out-of-place", G_TYPE_UINT, report.pictures_out_of_place, "not-covered", G_TYPE_UINT,
      report.pictures_not_covered, "gops-missing", G_TYPE_UINT, report.gops_missing, nullptr);
  set_text(out, "verdict", to_string(report.verdict));
  set_foreign(out, "verdict-reason", report.verdict_reason);
  set_origin(out, report);
  set_time(out, "first-time", report.first_time);
  set_time(out, "last-time", report.last_time);
  set_text(out, "json", json);
  return out;
}

std::string report_json(const Report& report, const std::string& name, std::uint64_t bytes) {
  report::Subject subject;
  subject.file_name = name;
  subject.file_bytes = bytes;
  subject.tool_version = CAMVAULT_VERSION;
  subject.checked_at = SystemClock().now();
  return report::to_json(subject, report);
}

GstStructure* stats_structure(const VerifyCounters& c, const Report* origin) {
  auto* out = gst_structure_new("application/x-camvault-verify-stats", "pictures", G_TYPE_UINT64, c.pictures,
                                "authentic", G_TYPE_UINT64, c.authentic, "altered", G_TYPE_UINT64, c.altered,
                                "incomplete", G_TYPE_UINT64, c.incomplete, "extra", G_TYPE_UINT64, c.extra,
                                "out-of-place", G_TYPE_UINT64, c.out_of_place, "not-covered", G_TYPE_UINT64,
                                c.not_covered, "gaps", G_TYPE_UINT64, c.gaps, "damaged", G_TYPE_UINT64,
                                c.damaged, "dropped", G_TYPE_UINT64, c.dropped, nullptr);
  if (origin != nullptr) set_origin(out, *origin);
  return out;
}

}  // namespace camvault::gst_elements

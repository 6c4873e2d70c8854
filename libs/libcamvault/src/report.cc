// Reading a report.
#include "handles.h"

namespace {

using namespace camvault;
using signed_video::Provenance;
using signed_video::Verdict;

camvault_time time_of(const std::optional<Timestamp>& time) {
  return time ? time->time_since_epoch().count() : CAMVAULT_NO_TIME;
}

}  // namespace

extern "C" {

void camvault_report_destroy(camvault_report* report) {
  delete report;
}

// Without a report the safe answer.
camvault_verdict camvault_report_verdict(const camvault_report* report) {
  if (report == nullptr) return CAMVAULT_NOT_AUTHENTIC;
  switch (report->report.verdict) {
    case Verdict::authentic:
      return CAMVAULT_AUTHENTIC;
    case Verdict::authentic_with_missing_frames:
      return CAMVAULT_AUTHENTIC_WITH_MISSING_FRAMES;
    case Verdict::not_authentic:
      return CAMVAULT_NOT_AUTHENTIC;
    case Verdict::not_signed:
      return CAMVAULT_NOT_SIGNED;
  }
  return CAMVAULT_NOT_AUTHENTIC;
}

const char* camvault_report_verdict_reason(const camvault_report* report) {
  return report == nullptr ? "there is no report" : report->report.verdict_reason.c_str();
}

camvault_provenance camvault_report_provenance(const camvault_report* report) {
  if (report == nullptr) return CAMVAULT_UNTRUSTED;
  switch (report->report.provenance) {
    case Provenance::trusted:
      return CAMVAULT_TRUSTED;
    case Provenance::untrusted:
      return CAMVAULT_UNTRUSTED;
    case Provenance::unknown:
      return CAMVAULT_UNKNOWN;
  }
  return CAMVAULT_UNTRUSTED;
}

const char* camvault_report_provenance_reason(const camvault_report* report) {
  return report == nullptr ? "there is no report" : report->report.provenance_reason.c_str();
}

camvault_time camvault_report_first_time(const camvault_report* report) {
  return report == nullptr ? CAMVAULT_NO_TIME : time_of(report->report.first_time);
}

camvault_time camvault_report_last_time(const camvault_report* report) {
  return report == nullptr ? CAMVAULT_NO_TIME : time_of(report->report.last_time);
}

uint64_t camvault_report_count(const camvault_report* report, camvault_count what) {
  if (report == nullptr) return 0;
  const auto& r = report->report;
  switch (what) {
    case CAMVAULT_COUNT_PICTURES:
      return r.pictures;
    case CAMVAULT_COUNT_AUTHENTIC:
      return r.pictures_authentic;
    case CAMVAULT_COUNT_ALTERED:
      return r.pictures_altered;
    case CAMVAULT_COUNT_MISSING:
      return r.pictures_missing;
    case CAMVAULT_COUNT_EXTRA:
      return r.pictures_extra;
    case CAMVAULT_COUNT_OUT_OF_PLACE:
      return r.pictures_out_of_place;
    case CAMVAULT_COUNT_NOT_COVERED:
      return r.pictures_not_covered;
    case CAMVAULT_COUNT_GOPS:
      return r.gops.size();
    case CAMVAULT_COUNT_GOPS_MISSING:
      return r.gops_missing;
  }
  return 0;
}

const char* camvault_report_text(const camvault_report* report, camvault_text what) {
  if (report == nullptr || !report->report.signer) return "";
  const auto& signer = *report->report.signer;
  switch (what) {
    case CAMVAULT_SIGNER_SUBJECT:
      return signer.subject.c_str();
    case CAMVAULT_SIGNER_ISSUER:
      return signer.issuer.c_str();
    case CAMVAULT_SIGNER_SERIAL:
      return signer.serial.c_str();
    case CAMVAULT_SIGNER_FINGERPRINT:
      return signer.fingerprint.c_str();
    case CAMVAULT_VENDOR_MANUFACTURER:
      return signer.vendor_manufacturer.c_str();
    case CAMVAULT_VENDOR_FIRMWARE:
      return signer.vendor_firmware.c_str();
    case CAMVAULT_VENDOR_SERIAL:
      return signer.vendor_serial.c_str();
  }
  return "";
}

const char* camvault_report_json(camvault_report* report) {
  if (report == nullptr) {
    capi::failed(CAMVAULT_USAGE, "report is NULL");
    return nullptr;
  }
  const auto status = capi::guarded([&]() -> Status {
    if (report->json.empty()) report->json = report::to_json(report->subject, report->report);
    return ok();
  });
  return status == CAMVAULT_OK ? report->json.c_str() : nullptr;
}

}  // extern "C"

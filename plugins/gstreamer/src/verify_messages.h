// What camvaultverify tells an application: structures of its messages and signals.
#pragma once

#include <gst/gst.h>

#include <string>

#include "camvault/signed_video/report.h"
#include "verify_stream.h"

namespace camvault::gst_elements {

// "camvault-gop". The caller owns the result.
GstStructure* gop_structure(const signed_video::GopReport& gop);

// Why a report was made.
enum class ReportReason { end_of_stream, flushed, format_changed, stopped };

// "camvault-report"; `json` is the whole report (docs/formats/report-json.md).
GstStructure* report_structure(const signed_video::Report& report, ReportReason reason,
                               const std::string& json);

// `name`: what the report calls the video; foreign text.
std::string report_json(const signed_video::Report& report, const std::string& name, std::uint64_t bytes);

// Of the `stats` property. `origin` may be null.
GstStructure* stats_structure(const VerifyCounters& counters, const signed_video::Report* origin);

}  // namespace camvault::gst_elements

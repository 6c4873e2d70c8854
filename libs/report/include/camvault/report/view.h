// What an interactive page shows beside the JSON report: the words of the other renderers, as JSON. Only for
// a page that comes from the same build: it has no version and no schema.
#pragma once

#include <cstddef>
#include <string>

#include "camvault/report/subject.h"
#include "camvault/signed_video/report.h"

namespace camvault::report {

// One JSON object, ASCII. All text in it is harmless (see text.h) and meant for text nodes, never for markup:
//   mood        "good", "caution", "bad", "neutral"
//   title, sentence
//   origin      { mood, label, reason } or null when not signed
//   facts       [ { name, lines: [ ... ] } ]
//   statuses    { "altered": { label, explanation }, ... }
//   runs        [ { status, first, last, clip, where, seconds, what } ], at most kMaxViewRuns; `clip` is the
//   index
//               among the pictures in the clip that the run begins with (a missing run stands before it)
//   runs_more   how many more there are
//   gops        [ { index, first, pictures, status, label, signature, linked, start } ]
//   notes       [ { warning, text } ]
//   signer      as facts
//   method, limits: paragraphs
inline constexpr std::size_t kMaxViewRuns = 2'000;
inline constexpr std::size_t kMaxViewGops = 20'000;
std::string to_view_json(const Subject& subject, const signed_video::Report& report);

}  // namespace camvault::report

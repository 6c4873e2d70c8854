// The report for people at a terminal: one line with the verdict, a bar that shows the clip, what is wrong
// and what the verdict does not say.
#pragma once

#include <string>

#include "camvault/report/subject.h"
#include "camvault/signed_video/report.h"

namespace camvault::report {

struct TerminalStyle {
  bool colour = false;            // ANSI colours; the caller asks isatty and NO_COLOR
  unsigned width = 80;            // columns; clamped to 40..120
  std::size_t max_findings = 20;  // lines about what is wrong; the rest is counted
};

std::string to_terminal(const Subject& subject, const signed_video::Report& report,
                        const TerminalStyle& style = {});

// The verdict in one line, no colours, no line feed.
std::string one_line(const Subject& subject, const signed_video::Report& report);

}  // namespace camvault::report

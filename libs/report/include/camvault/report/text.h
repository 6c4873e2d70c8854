// Making foreign text harmless before it is shown. Certificate names, vendor information and file names can
// hold anything: terminal escape sequences, HTML, text that runs backwards.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace camvault::report {

// Longest foreign text that is shown; the rest is cut and marked with an ellipsis. Counted in code points.
inline constexpr std::size_t kMaxShownText = 400;

// Valid UTF-8 on one line, without control characters (C0, DEL, C1), without the invisible characters that
// reorder or hide text (Unicode bidi controls, zero-width characters, line separators, tags). Each of them
// becomes U+FFFD.
std::string printable(std::string_view foreign, std::size_t limit = kMaxShownText);

// The same, and safe between tags and inside quoted attributes of HTML.
std::string html_escaped(std::string_view foreign, std::size_t limit = kMaxShownText);

}  // namespace camvault::report

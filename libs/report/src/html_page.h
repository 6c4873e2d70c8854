// What all our pages have in common: head, coloured banner, harmless links.
#pragma once

#include <string>
#include <string_view>

#include "words.h"

namespace camvault::report {

struct Banner {
  Mood mood = Mood::neutral;
  std::string_view kicker;
  std::string title;
  std::string sentence;
};

// Up to the end of the banner. `about`: what the browser's tab names behind the title. Texts are escaped
// here.
std::string begin_page(const Banner& banner, std::string_view about, std::string_view tool_version);
std::string end_page();

void add_fact(std::string& out, std::string_view name, const std::string& html);

// A relative reference to a file (RFC 3986, 4.2): every byte that could mean something else is encoded, so
// that no name becomes a scheme, a query or markup. It begins with "./" or "../".
std::string file_reference(std::string_view path);

}  // namespace camvault::report

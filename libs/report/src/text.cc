#include "camvault/report/text.h"

#include <cstdint>

namespace camvault::report {

namespace {
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 0;  // 0: not UTF-8
};

// RFC 3629, section 4: no overlong forms, no surrogates, nothing above U+10FFFF.
CodePoint decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xF0 && first <= 0xF4  ? 4
                           : first >= 0xE0 && first < 0xF0 ? 3
                           : first >= 0xC2 && first < 0xE0 ? 2
                                                           : 0;
  if (size == 0 || text.size() < size) return {};
  std::uint32_t value = first & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, size};
}

bool is_harmful(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0)  // controls, ESC and CSI among them
         || c == 0xAD || c == 0x61C ||
         c == 0x180E                      // soft hyphen, Arabic letter mark, Mongolian vowel separator
         || (c >= 0x200B && c <= 0x200F)  // zero width, direction marks
         || (c >= 0x2028 && c <= 0x202E)  // line and paragraph separator, embeddings and overrides
         || (c >= 0x2060 && c <= 0x206F)  // word joiner, isolates, deprecated format characters
         || (c >= 0xFE00 && c <= 0xFE0F)  // variation selectors
         || c == 0xFEFF || (c >= 0xFFF0 && c <= 0xFFFC) || (c & 0xFFFE) == 0xFFFE ||
         (c >= 0xE000 && c <= 0xF8FF)  // private use: looks like anything
         || c >= 0xE0000;              // tags, private planes
}
}  // namespace

std::string printable(std::string_view foreign, std::size_t limit) {
  std::string out;
  for (std::size_t shown = 0; !foreign.empty(); ++shown) {
    if (shown == limit) return out.append(kEllipsis);
    const auto point = decode(foreign);
    if (point.size == 0 || is_harmful(point.value)) {
      out.append(kReplacement);
    } else {
      out.append(foreign.substr(0, point.size));
    }
    foreign.remove_prefix(point.size == 0 ? 1 : point.size);
  }
  return out;
}

std::string html_escaped(std::string_view foreign, std::size_t limit) {
  std::string out;
  for (const char c : printable(foreign, limit)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '`':
        out += "&#96;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace camvault::report

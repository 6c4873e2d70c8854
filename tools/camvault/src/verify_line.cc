#include "verify_line.h"

#include <charconv>
#include <cstdint>
#include <optional>

namespace camvault::cli {

namespace {

void append_unit(std::string& out, std::uint32_t unit) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[unit >> shift & 15];
}

// The character that begins at `at`, and its length; length 0: not UTF-8 (RFC 3629).
struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;
};
Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> std::uint32_t { return static_cast<std::uint8_t>(text[i]); };
  const auto first = byte(at);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xc2 && first < 0xe0   ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length == 0 || text.size() - at < length) return {};
  std::uint32_t code = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(at + i) & 0x3f);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, length};
}

// RFC 3629; a lone U+DC80 to U+DCFF is the byte that json_string() met.
void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  const auto more = [&](unsigned shift) { put(0x80 | (code >> shift & 0x3f)); };
  if (code >= 0xdc80 && code <= 0xdcff) return put(code & 0xff);
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
    return more(0);
  }
  if (code < 0x10000) {
    put(0xe0 | code >> 12);
  } else {
    put(0xf0 | code >> 18);
    more(12);
  }
  more(6);
  more(0);
}

std::string head(std::string_view file, int exit_code) {
  return R"({"camvault_result":1,"file":)" + json_string(file) + R"(,"exit_code":)" +
         std::to_string(exit_code);
}
}  // namespace

std::string json_string(std::string_view bytes) {
  std::string out = "\"";
  for (std::size_t at = 0; at < bytes.size();) {
    const auto [code, length] = character_at(bytes, at);
    if (length == 0) {
      append_unit(out, 0xdc00u | static_cast<std::uint8_t>(bytes[at]));
      ++at;
      continue;
    }
    at += length;
    if (code == '"' || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code >= 0x20 && code < 0x7f) {
      out += static_cast<char>(code);
    } else if (code < 0x10000) {
      append_unit(out, code);
    } else {
      append_unit(out, 0xd800 + ((code - 0x10000) >> 10));
      append_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
    }
  }
  return out + '"';
}

std::string unescaped_json(std::string_view escaped) {
  std::string out;
  const auto unit_at = [&](std::size_t at) -> std::optional<std::uint32_t> {
    std::uint32_t unit = 0;
    if (escaped.size() - at < 6 || escaped[at] != '\\' || escaped[at + 1] != 'u') return std::nullopt;
    const auto end = escaped.data() + at + 6;
    if (std::from_chars(escaped.data() + at + 2, end, unit, 16).ptr != end) return std::nullopt;
    return unit;
  };
  for (std::size_t at = 0; at < escaped.size();) {
    if (escaped[at] != '\\' || at + 1 == escaped.size()) {
      out += escaped[at++];
      continue;
    }
    auto code = unit_at(at);
    if (!code) {
      static constexpr std::string_view kNames = "bfnrt";
      static constexpr std::string_view kMeant = "\b\f\n\r\t";
      const auto name = kNames.find(escaped[at + 1]);
      out += name == std::string_view::npos ? escaped[at + 1] : kMeant[name];
      at += 2;
      continue;
    }
    at += 6;
    if (*code >= 0xd800 && *code < 0xdc00) {
      const auto low = unit_at(at);
      if (low && *low >= 0xdc00 && *low < 0xe000) {
        code = 0x10000 + ((*code - 0xd800) << 10 | (*low - 0xdc00));
        at += 6;
      }
    }
    append_utf8(out, *code);
  }
  return out;
}

std::string result_line(std::string_view file, int exit_code, std::string_view report) {
  auto line = head(file, exit_code) + R"(,"report":)";
  // Strings of the report hold no line feeds: what follows one is indentation.
  for (std::size_t at = 0; at < report.size(); ++at) {
    if (report[at] != '\n') {
      line += report[at];
      continue;
    }
    while (at + 1 < report.size() && report[at + 1] == ' ') ++at;
  }
  return line + "}\n";
}

std::string failure_line(std::string_view file, int exit_code, std::string_view error) {
  return head(file, exit_code) + R"(,"error":)" + json_string(error) + "}\n";
}

std::string_view member_text(std::string_view line, std::string_view name) {
  int depth = 0;
  bool is_name = true;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ',') is_name = true;
    if (c == ':') is_name = false;
    if (c != '"') continue;
    const auto begin = ++at;
    while (at < line.size() && line[at] != '"') at += line[at] == '\\' ? 2u : 1u;
    if (at >= line.size()) return {};
    const auto text = line.substr(begin, at - begin);
    if (depth != 1 || !is_name || text != name) continue;
    const auto open = line.find_first_not_of(": ", at + 1);
    if (open == std::string_view::npos || line[open] != '"') return {};
    auto close = open + 1;
    while (close < line.size() && line[close] != '"') close += line[close] == '\\' ? 2u : 1u;
    return close < line.size() ? line.substr(open + 1, close - open - 1) : std::string_view();
  }
  return {};
}

}  // namespace camvault::cli

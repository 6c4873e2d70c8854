#include "html_page.h"

#include "camvault/report/text.h"
#include "html_style.h"

namespace camvault::report {

namespace {

// A check mark, an exclamation mark, a cross or a question mark in a ring.
std::string_view icon(Mood mood) {
  switch (mood) {
    case Mood::good:
      return "<path d='M20 33l8.5 8.5L45 25'/>";
    case Mood::caution:
      return "<path d='M32 18v18M32 45v.5'/>";
    case Mood::bad:
      return "<path d='M22 22l20 20M42 22L22 42'/>";
    case Mood::neutral:
      return "<path d='M24.5 25.5a7.5 7.5 0 1 1 11 6.6c-2.4 1.4-3.5 2.7-3.5 5.4M32 46v.5'/>";
  }
  return "";
}

}  // namespace

std::string begin_page(const Banner& banner, std::string_view about, std::string_view tool_version) {
  std::string out;
  // No script, nothing from elsewhere: even if an escape were forgotten, the browser would not run it.
  out +=
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
      "'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"generator\" "
      "content=\"camvault ";
  out += html_escaped(tool_version) + "\">\n<title>" + html_escaped(banner.title) + " - " +
         html_escaped(about) + "</title>\n<style>";
  out.append(kHtmlStyle).append("</style></head><body><main>\n");
  out.append("<header class=\"")
      .append(to_string(banner.mood))
      .append("\"><svg viewBox=\"0 0 64 64\" fill=\"none\" stroke=\"#fff\" stroke-width=\"4.5\" ");
  out.append(
         "stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\"><circle cx=\"32\" "
         "cy=\"32\" r=\"28\"/>")
      .append(icon(banner.mood));
  out += "</svg><div><p class=\"kicker\">" + html_escaped(banner.kicker) + "</p><h1>" +
         html_escaped(banner.title) + "</h1><p>" + html_escaped(banner.sentence);
  out += "</p></div></header>\n";
  return out;
}

std::string end_page() {
  return "</main></body></html>\n";
}

void add_fact(std::string& out, std::string_view name, const std::string& html) {
  if (html.empty()) return;
  out.append("<div><dt>").append(name).append("</dt><dd>").append(html).append("</dd></div>\n");
}

std::string file_reference(std::string_view path) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = path.starts_with("../") ? "" : "./";
  for (const char c : path) {
    const auto byte = static_cast<std::uint8_t>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

}  // namespace camvault::report

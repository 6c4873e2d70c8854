#include "camvault/report/terminal.h"

#include <algorithm>
#include <utility>

#include "camvault/report/text.h"
#include "covered.h"
#include "timeline.h"
#include "words.h"

namespace camvault::report {

using signed_video::UnitStatus;
using signed_video::Verdict;

namespace {
constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";

std::string_view colour_of(Mood mood) {
  switch (mood) {
    case Mood::good:
      return "\x1b[32m";
    case Mood::caution:
      return "\x1b[33m";
    case Mood::bad:
      return "\x1b[31m";
    case Mood::neutral:
      return "\x1b[36m";
  }
  return "";
}

std::string_view colour_of(UnitStatus status) {
  switch (status) {
    case UnitStatus::authentic:
      return "\x1b[32m";
    case UnitStatus::altered:
      return "\x1b[31m";
    case UnitStatus::missing:
      return "\x1b[33m";
    case UnitStatus::extra:
      return "\x1b[35m";
    case UnitStatus::out_of_place:
      return "\x1b[34m";
    case UnitStatus::not_covered:
      return "\x1b[90m";
  }
  return "";
}

// Distinct without colour too.
std::string_view glyph(UnitStatus status) {
  switch (status) {
    case UnitStatus::authentic:
      return "█";
    case UnitStatus::altered:
      return "✗";
    case UnitStatus::missing:
      return "░";
    case UnitStatus::extra:
      return "+";
    case UnitStatus::out_of_place:
      return "↕";
    case UnitStatus::not_covered:
      return "·";
  }
  return "?";
}

std::string_view mark(Mood mood) {
  switch (mood) {
    case Mood::good:
      return "✔";
    case Mood::caution:
      return "!";
    case Mood::bad:
      return "✘";
    case Mood::neutral:
      return "?";
  }
  return "?";
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

// Columns a text takes, for Latin text: continuation bytes of UTF-8 and our own colour codes take none.
std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  bool in_code = false;
  for (const char c : text) {
    if (c == '\x1b') in_code = true;
    if (!in_code && (static_cast<unsigned char>(c) & 0xC0) != 0x80) ++count;
    if (c == 'm') in_code = false;
  }
  return count;
}

class Page {
 public:
  explicit Page(const TerminalStyle& style) : style_(style), width_(std::clamp(style.width, 40u, 120u)) {}

  std::string painted(std::string_view colour, std::string_view text) const {
    if (!style_.colour) return std::string(text);
    return std::string(colour) + std::string(text) + std::string(kReset);
  }
  void line(std::string_view text = {}) { out_.append(text).append("\n"); }

  // Words flow into lines; lines after the first begin with `hang` spaces.
  void paragraph(std::string_view first, std::string_view text, std::size_t hang,
                 std::string_view colour = {}) {
    std::string current;
    std::string prefix(first);
    std::size_t used = columns(first);
    const auto flush = [&] {
      line(prefix + (colour.empty() ? current : painted(colour, current)));
      prefix.assign(hang, ' ');
      used = hang;
      current.clear();
    };
    while (!text.empty()) {
      const auto space = text.find(' ');
      const auto word = text.substr(0, space);
      if (!current.empty() && used + columns(current) + 1 + columns(word) > width_) flush();
      if (!current.empty()) current += ' ';
      current += word;
      text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    }
    flush();
  }
  void field(std::string_view label, std::string_view value) {
    if (value.empty()) return;
    std::string head = "  " + std::string(label);
    head.resize(14, ' ');
    if (style_.colour) head = painted(kDim, head);
    // The colour codes take no columns: flow with the plain width.
    std::string plain(14, ' ');
    const auto before = out_.size();
    paragraph(plain, value, 14);
    out_.replace(before, 14, head);
  }
  void bar(const signed_video::Report& report, const Subject& subject) {
    const auto cells = timeline(report, width_ - 4);
    if (cells.empty()) return;
    std::string row = "  ▕";
    for (std::size_t i = 0; i < cells.size();) {
      auto end = i;
      std::string run;
      for (; end < cells.size() && cells[end] == cells[i]; ++end) run += glyph(cells[end]);
      row += painted(colour_of(cells[i]), run);
      i = end;
    }
    line(row + "▏");
    const auto left = subject.duration ? std::string("0:00") : std::string("picture 0");
    const auto right =
        subject.duration ? clock_text(*subject.duration) : with_separators(timeline_pictures(report) - 1);
    const auto gap = width_ - 4 > left.size() + right.size() ? width_ - 4 - left.size() - right.size() : 1;
    line(painted(kDim, "   " + left + std::string(gap, ' ') + right));
    std::string legend = "  ";
    for (const auto status : {UnitStatus::authentic, UnitStatus::altered, UnitStatus::missing,
                              UnitStatus::extra, UnitStatus::out_of_place, UnitStatus::not_covered}) {
      if (std::find(cells.begin(), cells.end(), status) == cells.end()) continue;
      legend += " " + painted(colour_of(status), glyph(status)) + " " + std::string(label(status)) + " ";
    }
    line(legend);
    line();
  }
  std::string take() { return std::move(out_); }

 private:
  TerminalStyle style_;
  std::size_t width_;
  std::string out_;
};

std::string camera_of(const signed_video::SignerInfo& signer) {
  std::string text =
      signer.vendor_manufacturer.empty() ? std::string() : printable(signer.vendor_manufacturer, 60) + ", ";
  const auto& serial = signer.serial.empty() ? signer.vendor_serial : signer.serial;
  if (!serial.empty()) text += "serial number " + printable(serial, 80) + ", ";
  if (!signer.vendor_firmware.empty()) text += "firmware " + printable(signer.vendor_firmware, 60) + ", ";
  if (text.empty()) return printable(signer.subject, 200);
  text.resize(text.size() - 2);
  return text;
}

std::string recorded(const signed_video::Report& report) {
  if (!report.first_time) return {};
  if (!report.last_time) return utc_text(*report.first_time);
  return utc_text(*report.first_time) + " to " + utc_text(*report.last_time);
}

std::string content(const Subject& subject, const signed_video::Report& report) {
  const auto there = std::count_if(report.gops.begin(), report.gops.end(),
                                   [](const auto& gop) { return gop.verdict != UnitStatus::missing; });
  auto text = count_text(report.pictures, "picture", "pictures") + " in " +
              count_text(static_cast<std::uint64_t>(there), "group", "groups");
  text += ", " + std::string(codec::name_of(report.codec));
  if (subject.width != 0) text += " " + std::to_string(subject.width) + "x" + std::to_string(subject.height);
  if (!subject.container.empty()) text += ", " + container_text(subject.container);
  if (subject.duration) text += ", " + duration_text(*subject.duration);
  return text + ", " + bytes_text(subject.file_bytes);
}

void findings(Page& page, const signed_video::Report& report, const TerminalStyle& style) {
  std::size_t shown = 0;
  for (const auto& f : report.findings) {
    if (f.status == UnitStatus::authentic) continue;
    if (shown++ >= style.max_findings) continue;
    std::string text(label(f.status));
    std::string where = picture_range(f);
    if (const auto when = place_in_time(f); !when.empty()) where += ", " + when;
    if (!f.what.empty()) where += ": " + printable(f.what);
    text.resize(14, ' ');
    page.paragraph("  " + page.painted(colour_of(f.status), glyph(f.status)) + " " +
                       page.painted(colour_of(f.status), text),
                   where, 18);
  }
  if (shown > style.max_findings) {
    page.line("    and " + count_text(shown - style.max_findings, "place more", "places more") +
              " (--json or --report lists them)");
  }
  if (report.findings_truncated) page.line("    and more that were not written down: the list has a limit");
}
}  // namespace

std::string one_line(const Subject& subject, const signed_video::Report& report) {
  const auto head = headline(report);
  auto text = printable(subject.file_name, 120) + ": " + upper(head.title);
  const auto parts = tallies(report);
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? " (" : ", ") + parts[i];
  if (!parts.empty()) text += ")";
  return text;
}

std::string to_terminal(const Subject& subject, const signed_video::Report& report,
                        const TerminalStyle& style) {
  Page page(style);
  const auto head = headline(report);
  page.line();
  page.line(page.painted(std::string(kBold) + std::string(colour_of(head.mood)),
                         "  " + std::string(mark(head.mood)) + "  " + upper(head.title)) +
            "   " + page.painted(kDim, printable(subject.file_name, 120)));
  page.line();
  page.paragraph("  ", printable(head.sentence), 2);
  page.line();
  page.bar(report, subject);

  if (report.signer) page.field("camera", camera_of(*report.signer));
  auto origin = std::string(label(report.provenance));
  if (!report.provenance_reason.empty()) origin += ": " + printable(report.provenance_reason);
  if (report.verdict != Verdict::not_signed) page.field("origin", origin);
  if (!subject.trust_store.empty())
    page.field("trusting", "the trust store " + printable(subject.trust_store, 200));
  if (report.judged_at && report.judged_at_given)
    page.field("judged at", utc_text(*report.judged_at) + " (as asked, not the recording time)");
  page.field("recorded", recorded(report));
  const char* label = "stamped";
  for (const auto& line : recorded_before(report, 5)) page.field(std::exchange(label, ""), line);
  page.field("key", key_evidence(report));
  page.field("content", content(subject, report));
  page.line();

  if (!report.findings.empty()) {
    page.line(page.painted(kBold, "  What is not as it was signed"));
    findings(page, report, style);
    page.line();
  }
  if (!report.notes.empty()) {
    page.line(page.painted(kBold, "  Good to know"));
    for (const auto& note : report.notes) {
      page.paragraph(is_warning(note.kind) ? "  " + page.painted("\x1b[33m", "!") + " " : "  - ",
                     std::string(report::label(note.kind)) + ": " + printable(note.text), 4);
    }
    page.line();
  }
  const auto entries = covered(subject, report);
  if (!entries.empty()) {
    page.line(page.painted(kBold, "  What the signatures speak about"));
    for (const auto& entry : entries) {
      page.paragraph(entry.fine() ? "  - " : "  " + page.painted("\x1b[33m", "!") + " ",
                     entry.name + ": " + entry.words, 4);
    }
    page.line();
  }
  page.paragraph("  ",
                 "Proven: what is covered, since it was signed. Not proven: that the scene was real, and the "
                 "camera's clock.",
                 2, style.colour ? kDim : std::string_view{});
  return page.take();
}

}  // namespace camvault::report

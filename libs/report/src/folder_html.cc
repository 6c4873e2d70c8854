#include "camvault/report/folder_html.h"

#include <algorithm>
#include <array>

#include "camvault/report/text.h"
#include "html_page.h"
#include "words.h"

namespace camvault::report {

namespace {

struct OutcomeWords {
  Mood mood;
  std::string_view label;
  std::string_view one;   // behind "1 clip "
  std::string_view many;  // behind "2 clips "
};

OutcomeWords words_of(ClipOutcome outcome) {
  switch (outcome) {
    case ClipOutcome::not_authentic:
      return {Mood::bad, "not authentic", "is not authentic", "are not authentic"};
    case ClipOutcome::not_trusted:
      return {Mood::bad, "not trusted", "is signed by somebody else", "are signed by somebody else"};
    case ClipOutcome::not_signed:
      return {Mood::bad, "not signed", "is not signed", "are not signed"};
    case ClipOutcome::no_result:
      return {Mood::neutral, "no result", "has no result", "have no result"};
    case ClipOutcome::unreadable:
      return {Mood::neutral, "unreadable", "cannot be read", "cannot be read"};
    case ClipOutcome::frames_missing:
      return {Mood::caution, "frames missing", "is authentic with frames missing",
              "are authentic with frames missing"};
    case ClipOutcome::authentic:
      return {Mood::good, "authentic", "is authentic", "are authentic"};
  }
  return {Mood::neutral, "no result", "", ""};
}

constexpr std::array kOutcomes{
    ClipOutcome::not_authentic, ClipOutcome::not_trusted,    ClipOutcome::not_signed, ClipOutcome::no_result,
    ClipOutcome::unreadable,    ClipOutcome::frames_missing, ClipOutcome::authentic};
using Counts = std::array<std::uint64_t, kOutcomes.size()>;

std::string anchor_of(ClipOutcome outcome) {
  return "outcome" + std::to_string(static_cast<int>(outcome));
}

std::string pill(ClipOutcome outcome) {
  const auto words = words_of(outcome);
  return "<span class=\"pill " + std::string(to_string(words.mood)) + "\">" + std::string(words.label) +
         "</span>";
}

Banner banner_of(const Counts& counts, std::uint64_t all) {
  Banner banner;
  banner.kicker = "Video authenticity summary";
  const auto worst = std::find_if(kOutcomes.begin(), kOutcomes.end(),
                                  [&](auto o) { return counts[static_cast<std::size_t>(o)] > 0; });
  const auto outcome = worst == kOutcomes.end() ? ClipOutcome::no_result : *worst;
  const auto words = words_of(outcome);
  const auto count = counts[static_cast<std::size_t>(outcome)];
  banner.mood = words.mood == Mood::neutral ? Mood::caution : words.mood;
  if (outcome == ClipOutcome::authentic) {
    banner.title =
        all == 1 ? "The clip is authentic" : "All " + with_separators(all) + " clips are authentic";
    banner.sentence = "Every picture that a signature covers is as its camera signed it.";
    return banner;
  }
  banner.title = count_text(count, "clip ", "clips ") + std::string(count == 1 ? words.one : words.many);
  const auto good = counts[static_cast<std::size_t>(ClipOutcome::authentic)];
  banner.sentence = "Of " + count_text(all, "clip", "clips") + ", " + with_separators(good) +
                    (good == 1 ? " is" : " are") + " authentic. The list begins with the worst.";
  return banner;
}

void counts_html(std::string& out, const Counts& counts, std::uint64_t all) {
  out += "<section><h2>Clips by outcome</h2>\n<ul class=\"counts\">";
  for (const auto outcome : kOutcomes) {
    const auto count = counts[static_cast<std::size_t>(outcome)];
    if (count == 0) continue;
    const auto tenths = (count * 1000 + all / 2) / all;
    out += "<li><a href=\"#" + anchor_of(outcome) + "\"><b>" + with_separators(count) + "</b>" +
           pill(outcome) + "<span class=\"reason\">" + std::to_string(tenths / 10) + "." +
           std::to_string(tenths % 10) + " %</span></a></li>";
  }
  out += "</ul></section>\n";
}

std::string_view origin_words(std::string_view provenance) {
  return provenance == "trusted"     ? "trusted"
         : provenance == "untrusted" ? "somebody else"
         : provenance == "unknown"   ? "not checked"
                                     : "";
}

void clips_html(std::string& out, const std::vector<ClipLine>& clips) {
  out +=
      "<section><h2>The clips, worst first</h2>\n<table class=\"clips\"><thead><tr><th>Outcome "
      "<span aria-hidden=\"true\">&#9662;</span></th><th>Clip</th><th>Origin</th><th "
      "class=\"n\">Size</th><th>In "
      "words</th></tr></thead><tbody>\n";
  std::size_t shown = 0;
  std::optional<ClipOutcome> group;
  for (const auto& clip : clips) {
    if (++shown > kMaxHtmlClips) break;
    out += "<tr";
    if (group != clip.outcome) out += " id=\"" + anchor_of(clip.outcome) + "\"";
    group = clip.outcome;
    const auto name = html_escaped(clip.path);
    out += "><td class=\"t\">" + pill(clip.outcome) + "</td><td>";
    out += clip.link.empty() ? name : "<a href=\"" + file_reference(clip.link) + "\">" + name + "</a>";
    out += "</td><td class=\"t\">" +
           std::string(clip.outcome == ClipOutcome::not_signed ? "none" : origin_words(clip.provenance)) +
           "</td><td class=\"n\">" + bytes_text(clip.bytes) + "</td><td>" + html_escaped(clip.reason) +
           "</td></tr>\n";
  }
  out += "</tbody></table>\n";
  if (clips.size() > kMaxHtmlClips) {
    out += "<p class=\"reason\">" +
           count_text(clips.size() - kMaxHtmlClips, "clip more is", "clips more are") +
           " not printed here; the JSON summary lists them.</p>\n";
  }
  out += "</section>\n";
}

}  // namespace

std::string to_html(FolderSummary summary) {
  auto& clips = summary.clips;
  Counts counts{};
  std::uint64_t bytes = 0;
  for (const auto& clip : clips) {
    ++counts[static_cast<std::size_t>(clip.outcome)];
    bytes += clip.bytes;
  }
  std::stable_sort(clips.begin(), clips.end(), [](const ClipLine& a, const ClipLine& b) {
    return a.outcome != b.outcome ? a.outcome < b.outcome : a.path < b.path;
  });
  auto out = begin_page(banner_of(counts, clips.size()), summary.folder, summary.tool_version);
  out += "<section><dl class=\"facts\">\n";
  add_fact(out, "Folder", html_escaped(summary.folder));
  add_fact(out, "Checked", summary.checked_at ? utc_text(*summary.checked_at) : "");
  add_fact(out, "Clips", with_separators(clips.size()) + ", " + bytes_text(bytes));
  add_fact(out, "Checked with", "camvault " + html_escaped(summary.tool_version));
  out += "</dl></section>\n";
  if (!clips.empty()) {
    counts_html(out, counts, clips.size());
    clips_html(out, clips);
  }
  out +=
      "<footer>One line a clip. <code>camvault verify CLIP --report OUT.html</code> writes the whole report "
      "of "
      "one.</footer>\n";
  return out + end_page();
}

}  // namespace camvault::report

// AX-4.1-2: the summary of a folder on paper.
#include "camvault/report/folder_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace camvault::report {

using testing::HasSubstr;
using testing::Not;

namespace {

ClipLine clip(std::string path, ClipOutcome outcome, std::string reason = {}) {
  return {path, path, outcome, "trusted", std::move(reason), 1'500'000};
}

FolderSummary folder() {
  FolderSummary summary;
  summary.folder = "/archive";
  summary.tool_version = "1.2.3";
  summary.checked_at = from_unix_seconds(1'800'000'000);
  return summary;
}

TEST(FolderHtml, CountsByOutcomeAndListsTheWorstFirst) {
  auto summary = folder();
  summary.clips = {clip("b.mp4", ClipOutcome::authentic), clip("a.mp4", ClipOutcome::authentic),
                   clip("c.mkv", ClipOutcome::not_authentic, "1 picture was altered"),
                   clip("d.ts", ClipOutcome::frames_missing)};
  const auto html = to_html(summary);
  EXPECT_THAT(html, HasSubstr("<header class=\"bad\">"));
  EXPECT_THAT(html, HasSubstr("1 clip is not authentic</h1>"));
  EXPECT_THAT(html, HasSubstr("Of 4 clips, 2 are authentic."));
  EXPECT_THAT(html,
              HasSubstr("<b>2</b><span class=\"pill good\">authentic</span><span class=\"reason\">50.0 %"));
  EXPECT_LT(html.find("c.mkv</a>"), html.find("d.ts</a>"));
  EXPECT_LT(html.find("d.ts</a>"), html.find("a.mp4</a>"));
  EXPECT_LT(html.find("a.mp4</a>"), html.find("b.mp4</a>"));
}

TEST(FolderHtml, AllGoodIsGreenAndNothingIsNoProof) {
  auto summary = folder();
  summary.clips = {clip("a.mp4", ClipOutcome::authentic)};
  EXPECT_THAT(to_html(summary), HasSubstr("<header class=\"good\">"));
  summary.clips = {clip("a.mp4", ClipOutcome::unreadable)};
  EXPECT_THAT(to_html(summary), HasSubstr("<header class=\"caution\">"));
  summary.clips.clear();
  EXPECT_THAT(to_html(summary), Not(HasSubstr("<header class=\"good\">")));
}

// Names are whatever somebody called a file: no markup, no scheme, no query, no text that runs backwards.
TEST(FolderHtml, ForeignNamesAreHarmless) {
  auto summary = folder();
  summary.folder = "<script>alert(0)</script>";
  summary.clips = {
      clip("javascript:alert(1).mp4", ClipOutcome::authentic),
      clip("<img src=x onerror=alert(2)>\"'.mp4", ClipOutcome::not_signed, "<b>bold</b>\x1b[31m"),
      clip("100%?#.mp4", ClipOutcome::unreadable), clip("../up \xff\n.mp4", ClipOutcome::no_result),
      clip("//evil.example/x.mp4", ClipOutcome::frames_missing)};
  const auto html = to_html(summary);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("<b>bold")));
  EXPECT_THAT(html, Not(HasSubstr("\x1b")));
  EXPECT_THAT(html, HasSubstr("href=\"./javascript%3Aalert%281%29.mp4\""));
  EXPECT_THAT(html, HasSubstr("href=\"./%3Cimg%20src%3Dx%20onerror%3Dalert%282%29%3E%22%27.mp4\""));
  EXPECT_THAT(html, HasSubstr("href=\"./100%25%3F%23.mp4\""));
  EXPECT_THAT(html, HasSubstr("href=\"../up%20%FF%0A.mp4\""));
  EXPECT_THAT(html, HasSubstr("href=\".///evil.example/x.mp4\""));
}

TEST(FolderHtml, ALongListIsCutAndSaysSo) {
  auto summary = folder();
  for (std::size_t i = 0; i < kMaxHtmlClips + 3; ++i)
    summary.clips.push_back(clip("c" + std::to_string(i) + ".mp4", ClipOutcome::authentic));
  EXPECT_THAT(to_html(std::move(summary)), HasSubstr("3 clips more are not printed here"));
}

}  // namespace
}  // namespace camvault::report

// AX-4.1-2: the report on paper.
#include "camvault/report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "camvault/base/file.h"
#include "sample.h"

namespace camvault::report {

using testing::HasSubstr;
using testing::Not;

namespace {
// A 1x1 PNG, its chunks as in the PNG specification, 5.
const Bytes kPng = from_hex(
                       "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789"
                       "c63600000000200014827"
                       "cfdb0000000049454e44ae426082")
                       .value();

// Whatever a browser would take for the beginning of a tag: "p", "/p", "!doctype".
std::vector<std::string> tags(std::string_view html) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static const auto kName = std::string(kLetters) + "0123456789";
  std::vector<std::string> found;
  for (auto at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
    const auto end = std::min(html.find_first_not_of(kName, at + 2), html.size());
    const auto name = html.substr(at + 1, end - at - 1);
    if (name.find_first_of(std::string(kLetters) + "!/") == 0) found.emplace_back(name);
  }
  return found;
}
}  // namespace

TEST(Html, SaysVerdictCameraAndTimes) {
  const auto html = to_html(sample_subject(), sample_authentic());
  EXPECT_THAT(html, HasSubstr("<header class=\"good\">"));
  EXPECT_THAT(html, HasSubstr("<h1>Authentic</h1>"));
  EXPECT_THAT(html, HasSubstr("serial number CV-000042"));
  EXPECT_THAT(html, HasSubstr("2026-11-21 12:00:00 UTC"));
  EXPECT_THAT(html, HasSubstr("What this does not say"));
}

TEST(Html, ForgedClipListsPlacesAndShowsThumbnails) {
  const std::vector<Thumbnail> thumbnails{{137, "picture 137, altered", kPng},
                                          {1, "no picture at all", to_bytes(as_bytes("GIF89a <svg>"))}};
  const auto html = to_html(sample_subject(), sample_forged(), thumbnails);
  EXPECT_THAT(html, HasSubstr("<header class=\"bad\">"));
  EXPECT_THAT(html, HasSubstr("<td class=\"t\">137</td>"));
  EXPECT_THAT(html, HasSubstr("210 to 239"));
  EXPECT_THAT(html, HasSubstr("data:image/png;base64,iVBORw0KGgoAAAANSUhEUg"));
  EXPECT_THAT(html, Not(HasSubstr("no picture at all")));
  EXPECT_THAT(html, HasSubstr("rect class=\"altered\""));
}

TEST(Html, HostileTextAddsNoTagAndNoAttribute) {
  auto clean = sample_hostile();
  const auto hostile =
      to_html(sample_hostile_subject(), clean, std::vector<Thumbnail>{{1, std::string(kHostile), kPng}});
  EXPECT_THAT(hostile, Not(HasSubstr("<script")));
  EXPECT_THAT(hostile, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(hostile, Not(HasSubstr("\x1b")));
  EXPECT_THAT(hostile, Not(HasSubstr("\xe2\x80\xae")));
  for (const auto& tag : tags(hostile)) EXPECT_NE(tag, "script");
  EXPECT_THAT(hostile, HasSubstr("default-src 'none'"));
  EXPECT_THAT(hostile, Not(HasSubstr("http://")));
  EXPECT_THAT(hostile, Not(HasSubstr("https://")));
}

TEST(Html, LongListsAreCutAndSaySo) {
  auto r = sample_forged();
  r.findings.assign(10'000, r.findings.front());
  r.gops.assign(100'000, r.gops.front());
  const auto html = to_html(sample_subject(), r);
  EXPECT_THAT(html, HasSubstr("9,500 places more are not printed here"));
  EXPECT_THAT(html, HasSubstr("98,000 groups more are not printed here"));
  EXPECT_LT(html.size(), 3'000'000u);
}

TEST(Html, NotSignedClipIsShort) {
  const auto html = to_html(sample_subject(), signed_video::Report{});
  EXPECT_THAT(html, HasSubstr("<h1>Not signed</h1>"));
  EXPECT_THAT(html, Not(HasSubstr("<table")));
}

// CAMVAULT_REPORT_SAMPLES=DIR leaves the samples there, to look at in a browser.
TEST(Html, SamplesAreWrittenOnRequest) {
  const char* folder = std::getenv("CAMVAULT_REPORT_SAMPLES");
  const auto forged = to_html(sample_subject(), sample_forged());
  const auto authentic = to_html(sample_subject(), sample_authentic());
  EXPECT_NE(forged, authentic);
  if (folder == nullptr) return;
  const std::filesystem::path to(folder);
  EXPECT_TRUE(write_file_atomically(to / "forged.html", as_bytes(forged)));
  EXPECT_TRUE(write_file_atomically(to / "authentic.html", as_bytes(authentic)));
  EXPECT_TRUE(write_file_atomically(to / "hostile.html",
                                    as_bytes(to_html(sample_hostile_subject(), sample_hostile()))));
}

}  // namespace camvault::report

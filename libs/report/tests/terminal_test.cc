// AX-4.1-2: the report a person reads at a terminal.
#include "camvault/report/terminal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.h"
#include "timeline.h"

namespace camvault::report {

using signed_video::Provenance;
using signed_video::UnitStatus;
using signed_video::Verdict;
using testing::HasSubstr;
using testing::Not;

TEST(Terminal, AuthenticClip) {
  const auto text = to_terminal(sample_subject(), sample_authentic());
  EXPECT_THAT(text, HasSubstr("✔  AUTHENTIC   recording.mp4"));
  EXPECT_THAT(text, HasSubstr("CV-000042"));
  EXPECT_THAT(text, HasSubstr("████"));
  EXPECT_THAT(text, Not(HasSubstr("What is not")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(Terminal, TheWordsFollowVerdictAndProvenance) {
  const auto line = [](Verdict verdict, Provenance provenance) {
    auto r = sample_authentic();
    r.verdict = verdict;
    r.provenance = provenance;
    return one_line(sample_subject(), r);
  };
  EXPECT_EQ(line(Verdict::authentic, Provenance::trusted), "recording.mp4: AUTHENTIC");
  EXPECT_EQ(line(Verdict::authentic, Provenance::unknown), "recording.mp4: AUTHENTIC, ORIGIN NOT KNOWN");
  EXPECT_EQ(line(Verdict::authentic, Provenance::untrusted),
            "recording.mp4: UNCHANGED, BUT NOT FROM A CAMERA YOU TRUST");
  EXPECT_EQ(line(Verdict::authentic_with_missing_frames, Provenance::trusted),
            "recording.mp4: AUTHENTIC, BUT FRAMES ARE MISSING");
  EXPECT_EQ(line(Verdict::not_authentic, Provenance::trusted), "recording.mp4: NOT AUTHENTIC");
  EXPECT_EQ(line(Verdict::not_signed, Provenance::unknown), "recording.mp4: NOT SIGNED");
}

TEST(Terminal, ForgedClipNamesTheFrames) {
  const auto text = to_terminal(sample_subject(), sample_forged(), {.colour = false, .width = 120});
  EXPECT_THAT(text, HasSubstr("✘  NOT AUTHENTIC"));
  EXPECT_THAT(text, HasSubstr("picture 137, 0:04.566 into the clip: picture content altered"));
  EXPECT_THAT(text, HasSubstr("pictures 210 to 239, 2026-11-21 12:00:07 UTC: 30 pictures removed"));
}

TEST(Terminal, MissingFramesAreCounted) {
  auto r = sample_authentic();
  r.verdict = Verdict::authentic_with_missing_frames;
  r.pictures_missing = 1;
  r.gops_missing = 2;
  EXPECT_THAT(
      to_terminal(sample_subject(), r, {.colour = false, .width = 120}),
      HasSubstr(
          "as the camera signed it, but 1 picture is missing and 2 whole groups of pictures are missing."));
}

TEST(Terminal, LongListsAreCutAndCounted) {
  auto r = sample_forged();
  r.findings.assign(100, r.findings.front());
  const auto text = to_terminal(sample_subject(), r, {.colour = false, .width = 80, .max_findings = 20});
  EXPECT_THAT(text, HasSubstr("and 80 places more"));
}

TEST(Terminal, HostileTextCannotControlTheTerminal) {
  const auto text = to_terminal(sample_hostile_subject(), sample_hostile(), {.colour = false});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\x07")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_THAT(text, Not(HasSubstr("\nVERDICT: authentic")));
  EXPECT_THAT(one_line(sample_hostile_subject(), sample_hostile()), Not(HasSubstr("\n")));
  // With colours, only our own codes are in it: each ESC begins "[" digits or ";" "m".
  const auto coloured = to_terminal(sample_hostile_subject(), sample_hostile(), {.colour = true});
  for (auto at = coloured.find('\x1b'); at != std::string::npos; at = coloured.find('\x1b', at + 1)) {
    const auto end = coloured.find_first_not_of("0123456789;", at + 2);
    ASSERT_EQ(coloured[at + 1], '[');
    ASSERT_EQ(coloured[end], 'm');
  }
}

TEST(Timeline, OneAlteredPictureShowsHoweverLongTheClip) {
  auto r = sample_authentic();
  r.pictures = 4'000'000;
  r.findings = {{UnitStatus::altered, 3'999'999, 3'999'999, 3'999'999, 7, 1, std::nullopt, false, 0, ""}};
  const auto cells = timeline(r, 60);
  ASSERT_EQ(cells.size(), 60u);
  EXPECT_EQ(cells.back(), UnitStatus::altered);
  EXPECT_EQ(cells.front(), UnitStatus::authentic);
}

TEST(Timeline, GopsWithoutFindingsSpeakForThemselves) {
  auto r = sample_authentic();
  r.gops[10].verdict = UnitStatus::altered;  // low-bitrate mode: no hash list, no frames to name
  const auto cells = timeline(r, 20);
  EXPECT_EQ(cells[10], UnitStatus::altered);
  EXPECT_EQ(cells[9], UnitStatus::authentic);
  EXPECT_EQ(cells[11], UnitStatus::authentic);
}

TEST(Timeline, HostileIndexesAreClamped) {
  auto r = sample_authentic();
  r.pictures = 0;
  EXPECT_TRUE(timeline(r, 20).empty());
  r.pictures = 1;
  r.gops[0].first_picture = 4'294'967'295u;
  r.gops[0].pictures = 4'294'967'295u;
  r.gops[0].verdict = UnitStatus::extra;
  EXPECT_EQ(timeline(r, 5).size(), 5u);
}

}  // namespace camvault::report

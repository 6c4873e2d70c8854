// What is gone is missing, and nothing more is excused by that. AX-4.1-2, AX-4.1-4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scene.h"

namespace camvault::signed_video::test {
namespace {

using testing::ElementsAre;

// Parts of four units without lists; S 0 is the certificate SEI, so part n has S n + 1.
Take in_parts() {
  auto options = options_for(camera_one());
  options.low_bitrate = true;
  options.max_partial_units = 4;
  return record("IPPPPPPPPPIPPPPPPPPPIPPPPPPPPPIPPPPPPPPP", camera_one(), options);
}

// AX-4.1-2: a removed run of GOPs leaves one GOP without a signature. SEIs stripped from two GOPs that are
// still here must not pass for that, because one SEI in between can no longer be placed.
TEST(Loss, OneGopIsExcusedInFrontOfAGapAndNotTwo) {
  auto take = in_parts();
  for (const std::size_t n : {12u, 11u, 9u, 8u, 7u, 4u}) take.erase(take.find('S', n));
  auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::not_authentic) << report.verdict_reason;
  EXPECT_TRUE(has_note(report, NoteKind::sei_removed));
  // The neighbour: GOP 2 is cut out, and the SEI about the end of GOP 1 with it.
  take = in_parts();
  take.erase(take.picture(19) + 1, take.picture(29) + 1);
  report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::authentic_with_missing_frames) << report.verdict_reason;
  EXPECT_EQ(report.pictures_not_covered, 2u) << testing::PrintToString(findings(report));
}

// The first copy of a parameter set was lost as well as a picture in front of a later copy: nothing was
// altered.
TEST(Loss, AParameterSetThatIsFirstSeenLateIsNoSlice) {
  for (const std::uint8_t header : Bytes{0x67, 0x68}) {
    const Bytes set{header, 0xce, 0x3c, 0x80};
    auto take = record("IPPPIPPPIPPP", camera_one(), options_for(camera_one()));
    const auto at = take.picture(7);
    take.units[at] = set;  // where the last picture of GOP 1 was
    take.letters[at] = 'x';
    auto report = verify(take);
    EXPECT_EQ(report.verdict, Verdict::authentic_with_missing_frames) << report.verdict_reason;
    EXPECT_THAT(findings(report), ElementsAre("missing 7..7 gop 1"));
    // The neighbour: such a set was there before, and it was another one.
    take.insert(0, Bytes{header, 0x42, 0x00, 0x1e, 0x80}, 'x');
    report = verify(take);
    EXPECT_EQ(report.verdict, Verdict::not_authentic);
    EXPECT_THAT(findings(report), ElementsAre("altered 7..7 gop 1"));
  }
}

// A clip may begin inside a GOP that can be proved as a whole only. More pictures than that GOP's SEI speaks
// of are not what is left of it.
TEST(Loss, WhatIsLeftOfTheFirstGopIsNoMoreThanItsSeiSpeaksOf) {
  auto options = options_for(camera_one());
  options.max_partial_units = 4;
  const auto intact = record("IPPPPPPPPPPPIPPPPPPPPPPP", camera_one(), options);
  auto take = intact;
  take.erase(0, take.picture(9));  // inside the last part of GOP 0, whose IDR picture nobody quotes
  auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_TRUE(has_note(report, NoteKind::beginning_missing));
  for (std::uint32_t i = 0; i < 3; ++i) take.insert(0, slice(take.codec, 'P', 7000 + i), 'P');
  report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::not_authentic) << report.verdict_reason;
  EXPECT_TRUE(has_note(report, NoteKind::unsigned_head));
}

// A list clears what is left of its GOP. Pictures that it does not know are not of that GOP, and have lost
// their own SEI.
TEST(Loss, AListKnowsWhatIsLeftOfItsGop) {
  const auto intact = record("IPPPIPPPIPPP", camera_one(), options_for(camera_one()));
  auto take = intact;
  take.erase(0, take.picture(2));
  auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.pictures_authentic, report.pictures);
  take.erase(take.picture(2), take.picture(5) + 1);  // GOP 1 and the SEI of GOP 0; that of GOP 1 stays
  report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::not_authentic) << report.verdict_reason;
  EXPECT_TRUE(has_note(report, NoteKind::unsigned_head));
}

// A slice becomes a unit of a type that Axis' form does not hash, where a part begins: its picture is the one
// that is not whole.
TEST(Loss, ASliceThatIsNoLongerHashedIsMissingFromItsOwnPicture) {
  auto options = options_for(camera_one());
  options.form = SignatureForm::axis;
  options.max_partial_units = 9;
  const auto intact = record("IiiPppPppPppPppPppIiiPppPppPppPppPpp", camera_one(), options);
  for (std::uint32_t picture = 1; picture < 6; ++picture) {
    auto take = intact;
    for (std::size_t part = 0; part < 3; ++part) {
      take = intact;
      auto& header = take.units[take.picture(picture) + part][0];
      header = static_cast<std::uint8_t>((header & 0xe0) | 3);  // nal_unit_type 3: data partition B
      const auto report = verify(take);
      const auto name = std::to_string(picture);
      EXPECT_THAT(findings(report), testing::Contains("missing " + name + ".." + name + " gop 0"))
          << part << testing::PrintToString(findings(report));
    }
  }
}

}  // namespace
}  // namespace camvault::signed_video::test

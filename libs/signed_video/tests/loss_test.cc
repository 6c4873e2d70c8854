// What is gone is missing, and nothing more is excused by that. AX-4.1-2, AX-4.1-4.
#include <gtest/gtest.h>

#include "scene.h"

namespace camvault::signed_video::test {
namespace {

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

}  // namespace
}  // namespace camvault::signed_video::test

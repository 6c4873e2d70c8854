// What is gone is missing, and nothing more is excused by that. AX-4.1-2, AX-4.1-4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "variants.h"

namespace camvault::signed_video::test {
namespace {

using testing::ElementsAre;

TEST(Loss, EveryDroppedUnitIsFound) {
  for (const auto& variant : variants()) {
    auto options = options_for(camera_one(), variant.codec);
    variant.set(options);
    const auto intact = record(variant.scene, camera_one(), options);
    std::uint32_t picture = 0;
    for (std::size_t i = 0; i < intact.units.size(); ++i) {
      const bool begins = std::string("IPT").find(intact.letters[i]) != std::string::npos;
      if (begins) ++picture;
      auto take = intact;
      take.erase(i);
      const auto report = verify(take);
      const auto name = std::string(variant.name) + " unit " + std::to_string(i) + " " + intact.letters[i];
      if (intact.letters[i] == 'S') continue;  // see below
      if (options.low_bitrate) {
        // Without a list a lost picture and a changed GOP look the same; at the beginning it is a cut, and a
        // part of one picture is missing as a whole.
        EXPECT_TRUE(report.verdict == Verdict::not_authentic || picture == 1 || report.gops_missing == 1)
            << name;
        continue;
      }
      if (i == intact.find('I')) {  // the first unit of all
        EXPECT_TRUE(has_note(report, NoteKind::beginning_missing))
            << name;  // the same as a cut at the beginning
        EXPECT_EQ(report.verdict, Verdict::authentic) << name;
        continue;
      }
      EXPECT_EQ(report.verdict, Verdict::authentic_with_missing_frames)
          << name << " " << report.verdict_reason << testing::PrintToString(findings(report));
      ASSERT_EQ(report.findings.size(), 1u) << name << testing::PrintToString(findings(report));
      EXPECT_EQ(report.findings[0].status, UnitStatus::missing) << name;
      EXPECT_EQ(report.findings[0].first_picture, picture - 1) << name;
      EXPECT_EQ(report.findings[0].last_picture, picture - 1) << name;
    }
  }
}

TEST(Loss, ADroppedSeiLeavesItsGopUncovered) {
  const auto intact = standard();
  // SEIs: certificate, GOPs 0 to 3; the last is the end of the stream.
  for (std::size_t n = 1; n <= 3; ++n) {
    auto take = intact;
    take.erase(take.find('S', n));
    const auto report = verify(take);
    expect(report, Verdict::not_authentic, "SEI dropped");
    EXPECT_TRUE(has_note(report, NoteKind::sei_removed) || n == 1) << n;
    const auto first = std::to_string(4 * (n - 1));
    const auto last = std::to_string(4 * (n - 1) + 3);
    EXPECT_THAT(findings(report),
                ElementsAre("not_covered " + first + ".." + last + " gop " + std::to_string(n - 1)));
  }
  auto take = intact;
  take.erase(take.find('S', 4));
  const auto report = verify(take);
  expect(report, Verdict::authentic, "last SEI dropped");
  EXPECT_TRUE(has_note(report, NoteKind::unsigned_tail));
  EXPECT_THAT(findings(report), ElementsAre("not_covered 12..15 gop 3"));
}

TEST(Loss, ARemovedRunOfGopsIsMissing) {
  const std::string scene = "IPPPIPPPIPPPIPPPIPPPIPPPIPPP";
  const auto intact = record(scene, camera_one(), options_for(camera_one()));
  for (std::size_t gops = 1; gops <= 3; ++gops) {
    auto take = intact;
    take.erase(take.picture(8), take.picture(8 + 4 * gops));  // GOPs 2 .. with the SEI of GOP 1
    const auto report = verify(take);
    expect(report, Verdict::authentic_with_missing_frames, "GOPs removed");
    EXPECT_TRUE(has_note(report, NoteKind::gops_missing));
    EXPECT_EQ(report.gops_missing, gops);
    // The SEI behind the gap speaks of the last GOP that is gone; how many pictures the others had nobody
    // knows.
    EXPECT_THAT(findings(report),
                ElementsAre("not_covered 4..7 gop 1", "missing 8..11 gop " + std::to_string(1 + gops)));
    EXPECT_EQ(report.gops.back().index, 6u);  // the last GOP keeps the number it had
  }
  // The same with the SEI of the GOP before left in place: nothing is uncovered.
  auto take = intact;
  const auto sei = take.units[take.find('S', 2)];
  take.erase(take.picture(8), take.picture(16));
  take.insert(take.picture(8) + 1, sei, 'S');
  const auto report = verify(take);
  expect(report, Verdict::authentic_with_missing_frames, "GOPs removed, SEI kept");
  EXPECT_THAT(findings(report), ElementsAre("missing 8..11 gop 3"));
  EXPECT_EQ(report.gops_missing, 2u);
}

// Pictures removed across the border of two GOPs: those on both sides keep their names.
TEST(Loss, PicturesRemovedAcrossAGopBorderAreMissing) {
  const auto intact = standard();
  for (std::size_t begin = 5; begin < 8; ++begin) {
    for (std::size_t end = 9; end < 12; ++end) {
      auto take = intact;
      const auto sei = take.units[take.find('S', 2)];  // of GOP 1; stands among the removed ones
      take.erase(take.picture(begin), take.picture(end));
      take.insert(take.picture(begin) + 1, sei, 'S');
      const auto report = verify(take);
      expect(report, Verdict::authentic_with_missing_frames, "removed across a border");
      for (const auto& finding : report.findings) {
        EXPECT_EQ(finding.status, UnitStatus::missing)
            << begin << ".." << end << testing::PrintToString(findings(report));
        EXPECT_GE(finding.first_picture, begin);
        EXPECT_LT(finding.last_picture, end);
      }
      EXPECT_EQ(report.pictures_missing, end - begin) << testing::PrintToString(findings(report));
    }
  }
}

// Up to one GOP lost on the way, IDR pictures and SEIs with it: what is left is right or not covered. More,
// and pictures whose signature is gone may be taken for those that another SEI misses.
TEST(Loss, WhatIsLeftBehindALossIsNotCalledAltered) {
  for (const auto& variant : variants()) {
    auto options = options_for(camera_one(), variant.codec);
    variant.set(options);
    // Without lists; SEIs far behind their GOP, or signed later; GOPs of one picture.
    if (options.low_bitrate || options.repeat_seis || options.signing_interval > 1 ||
        std::string_view(variant.name) == "all_intra")
      continue;
    const auto intact = record(variant.scene, camera_one(), options);
    for (std::size_t begin = 0; begin < intact.units.size(); ++begin) {
      for (auto end = begin + 1; end < std::min(intact.units.size(), begin + 6); ++end) {
        auto take = intact;
        take.erase(begin, end);
        const auto report = verify(take);
        for (const auto& finding : report.findings) {
          EXPECT_TRUE(finding.status == UnitStatus::missing || finding.status == UnitStatus::not_covered)
              << variant.name << ' ' << begin << ".." << end << testing::PrintToString(findings(report));
        }
      }
    }
  }
}

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

// A clip may begin with the SEI of a GOP that was cut off. The pictures behind it need one of their own all
// the same.
TEST(Loss, AnSeiOfAnEarlierGopVouchesForNothingBehindIt) {
  auto take = record("IPPPIPPPIPPPIPPPIPPP", camera_one(), options_for(camera_one()));
  take.erase(0, take.picture(3) + 1);
  auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_TRUE(has_note(report, NoteKind::beginning_missing));
  take.erase(take.picture(3) + 1, take.picture(12));  // two GOPs
  take.erase(take.picture(4) + 1, take.picture(5));   // and the SEI of the second, which stands in the next
  report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::not_authentic) << report.verdict_reason;
  EXPECT_TRUE(has_note(report, NoteKind::beginning_missing));
  EXPECT_TRUE(has_note(report, NoteKind::unsigned_head));
}

// The same when the clip begins inside a GOP, and its SEI is here but can prove nothing without the IDR
// picture.
TEST(Loss, TheRestOfAGopVouchesForNothingBehindIt) {
  auto options = options_for(camera_one());
  options.low_bitrate = true;
  auto take = record("IPPPIPPPIPPPIPPPIPPP", camera_one(), options);
  take.erase(0, take.picture(2));
  auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_TRUE(has_note(report, NoteKind::beginning_missing));
  take.erase(take.picture(5) + 1, take.picture(14));  // two GOPs
  take.erase(take.picture(6) + 1, take.picture(7));   // and the SEI of the second
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

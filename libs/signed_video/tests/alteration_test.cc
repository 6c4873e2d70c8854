// AX-4.1-1, AX-4.1-2, AX-4.1-4: what was altered, inserted or moved gets its name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "variants.h"

namespace camvault::signed_video::test {
namespace {

using testing::ElementsAre;

// In every variant, every single-unit edit of a covered unit is found; with hash lists the picture is named.
TEST(Alteration, EveryAlteredUnitIsFound) {
  for (const auto& variant : variants()) {
    auto options = options_for(camera_one(), variant.codec);
    variant.set(options);
    const auto intact = record(variant.scene, camera_one(), options);
    std::uint32_t picture = 0;
    for (std::size_t i = 0; i < intact.units.size(); ++i) {
      const bool begins = std::string("IPT").find(intact.letters[i]) != std::string::npos;
      if (begins) ++picture;
      auto take = intact;
      take.units[i][take.units[i].size() / 2] ^= 0x04;
      const auto report = verify(take);
      const auto name = std::string(variant.name) + " unit " + std::to_string(i) + " " + intact.letters[i];
      if (intact.letters[i] == 'S' && options.repeat_seis) {
        // The other copy still holds; a signature that does not verify is reported all the same.
        EXPECT_EQ(report.verdict, Verdict::not_authentic) << name;
        continue;
      }
      EXPECT_EQ(report.verdict, Verdict::not_authentic) << name << " " << report.verdict_reason;
      if (intact.letters[i] == 'S' || options.low_bitrate) continue;
      const auto expected = "altered " + std::to_string(picture - 1) + ".." + std::to_string(picture - 1);
      bool named = false;
      for (const auto& finding : findings(report)) named = named || finding.starts_with(expected);
      EXPECT_TRUE(named) << name << " wants " << expected << " got "
                         << testing::PrintToString(findings(report));
      EXPECT_EQ(report.findings.size(), 1u) << name << testing::PrintToString(findings(report));
    }
  }
}

// The header byte of a slice: whatever type it becomes, the change is found.
TEST(Alteration, EveryAlteredHeaderIsFound) {
  auto intact = standard();
  intact.insert(0, Bytes{0x67, 0x42, 0x00, 0x1e, 0x80}, 'x');
  intact.insert(1, Bytes{0x68, 0xce, 0x3c, 0x80}, 'x');
  for (std::size_t picture = 0; picture < 16; ++picture) {
    for (int type = 0; type < 32; ++type) {
      auto take = intact;
      auto& header = take.units[take.picture(picture)][0];
      if ((header & 0x1f) == type) continue;
      header = static_cast<std::uint8_t>((header & 0xe0) | type);
      const auto report = verify(take);
      // A slice may look like a whole SEI message by chance: then it is a picture less.
      const bool as_missing = type == 6 && report.verdict == Verdict::authentic_with_missing_frames;
      EXPECT_TRUE(as_missing || report.verdict == Verdict::not_authentic)
          << picture << " as type " << type << testing::PrintToString(findings(report));
    }
  }
}

TEST(Alteration, InsertedAndDuplicatedPicturesAreExtra) {
  const auto intact = standard();
  for (std::size_t picture = 1; picture < 15; ++picture) {
    auto inserted = intact;
    inserted.insert(inserted.picture(picture), slice(codec::Codec::h264, 'P', 5000), 'P');
    expect(verify(inserted), Verdict::not_authentic, "inserted");
    auto duplicated = intact;
    const auto at = duplicated.picture(picture);
    duplicated.insert(at + 1, duplicated.units[at], duplicated.letters[at]);
    const auto report = verify(duplicated);
    expect(report, Verdict::not_authentic, "duplicated");
    ASSERT_EQ(report.findings.size(), 1u) << picture << testing::PrintToString(findings(report));
    EXPECT_EQ(report.findings[0].status, UnitStatus::extra) << picture;
  }
}

TEST(Alteration, NothingStandsBeforeTheFirstPicture) {
  for (const char letter : {'P', 'I'}) {
    auto take = standard();
    take.insert(take.picture(0), slice(codec::Codec::h264, letter, 6000), letter);
    expect(verify(take), Verdict::not_authentic, "inserted at the head");
  }
}

// A still scene: pictures that are equal byte by byte.
TEST(Alteration, EqualPicturesKeepTheirPlaces) {
  auto options = options_for(camera_one());
  Take take;
  auto signer = Signer::create(engine(), camera_one().key, options).value();
  std::uint32_t number = 0;
  for (const char letter : std::string("IPQPQPQPIPQP")) {
    const auto unit = letter == 'I' ? slice(take.codec, 'I', number)
                                    : slice(take.codec, 'P', letter == 'Q' ? 900 : 800 + number);
    const std::vector<BytesView> views{unit};
    for (const auto& sei : must(signer.add(views, recording_begins() + number * kFrame)))
      take.insert(take.units.size(), sei, 'S');
    take.insert(take.units.size(), unit, letter == 'I' ? 'I' : 'P');
    ++number;
  }
  for (const auto& sei : must(signer.finish())) take.insert(take.units.size(), sei, 'S');
  EXPECT_EQ(verify(take).verdict, Verdict::authentic);
  for (const std::size_t dropped : {2u, 4u, 3u, 6u}) {
    auto cut = take;
    cut.erase(cut.picture(dropped));
    const auto name = std::to_string(dropped);
    EXPECT_THAT(findings(verify(cut)), ElementsAre("missing " + name + ".." + name + " gop 0"));
  }
}

// Still pictures that are equal from GOP to GOP: those of the next GOP do not stand in for removed ones.
TEST(Alteration, EqualPicturesOfTwoGopsAreKeptApart) {
  Take take;
  auto signer = Signer::create(engine(), camera_one().key, options_for(camera_one())).value();
  for (std::uint32_t number = 0; number < 24; ++number) {
    const bool idr = number % 6 == 0;
    const auto unit = slice(take.codec, idr ? 'I' : 'P', idr ? number : 700);
    const std::vector<BytesView> views{unit};
    for (const auto& sei : must(signer.add(views, recording_begins() + number * kFrame)))
      take.insert(take.units.size(), sei, 'S');
    take.insert(take.units.size(), unit, idr ? 'I' : 'P');
  }
  for (const auto& sei : must(signer.finish())) take.insert(take.units.size(), sei, 'S');
  EXPECT_EQ(verify(take).verdict, Verdict::authentic);
  auto cut = take;
  cut.erase(cut.picture(8), cut.picture(12));
  EXPECT_EQ(findings(verify(cut)).size(), 1u);
  EXPECT_EQ(verify(cut).verdict, Verdict::authentic_with_missing_frames);
  EXPECT_EQ(verify(cut).pictures_missing, 4u);
}

TEST(Alteration, NothingStandsBetweenTheLastSignedGopAndTheNext) {
  auto take = standard();
  take.erase(take.find('S', 4));  // the last GOP is an unsigned end now
  EXPECT_EQ(verify(take).verdict, Verdict::authentic);
  take.insert(take.picture(12), slice(codec::Codec::h264, 'P', 7000), 'P');
  expect(verify(take), Verdict::not_authentic, "inserted behind the last signed GOP");
}

// Forged GOPs without SEIs in the place of signed ones that were taken out.
TEST(Alteration, ForgedGopsDoNotPassForRemovedOnes) {
  const auto intact = record("IPPPIPPPIPPPIPPPIPPPIPPPIPPPIPPP", camera_one(), options_for(camera_one()));
  auto take = intact;
  const auto sei = take.units[take.find('S', 2)];
  const auto at = take.picture(8);
  take.erase(at, take.picture(24));
  std::size_t place = at;
  std::uint32_t number = 8000;
  for (const char letter : std::string("IPPPIPPP")) {
    take.insert(place++, slice(codec::Codec::h264, letter, number), letter);
    if (number++ == 8000) take.insert(place++, sei, 'S');
  }
  expect(verify(take), Verdict::not_authentic, "forged GOPs");
}

TEST(Alteration, SwappedPicturesAreOutOfPlace) {
  const auto intact = standard();
  auto take = intact;
  take.swap(take.picture(5), take.picture(6));
  const auto report = verify(take);
  expect(report, Verdict::not_authentic, "swapped");
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].status, UnitStatus::out_of_place);
  EXPECT_TRUE(report.findings[0].first_picture == 5 || report.findings[0].first_picture == 6);
}

TEST(Alteration, SwappedGopsAreNotAuthentic) {
  for (const bool low : {false, true}) {
    auto options = options_for(camera_one());
    options.low_bitrate = low;
    const auto intact = record("IPPPIPPPIPPPIPPPIPPP", camera_one(), options);
    auto take = intact;
    const auto a = take.picture(4), b = take.picture(8), c = take.picture(12);
    std::rotate(take.units.begin() + static_cast<std::ptrdiff_t>(a),
                take.units.begin() + static_cast<std::ptrdiff_t>(b),
                take.units.begin() + static_cast<std::ptrdiff_t>(c));
    std::rotate(take.letters.begin() + static_cast<std::ptrdiff_t>(a),
                take.letters.begin() + static_cast<std::ptrdiff_t>(b),
                take.letters.begin() + static_cast<std::ptrdiff_t>(c));
    const auto report = verify(take);
    expect(report, Verdict::not_authentic, "swapped GOPs");
    EXPECT_TRUE(has_note(report, NoteKind::out_of_order));
    // GOP 2 stands where GOP 1 was; GOP 1 is the one that is found elsewhere.
    EXPECT_THAT(findings(report), ElementsAre(low ? "extra 8..11 gop 2" : "out_of_place 8..11 gop 2"));
  }
}

// Without a list nothing clears the pictures of a GOP whose IDR picture was cut away. If all pictures are
// here that the first SEI of a recording speaks of, nothing was cut.
TEST(Alteration, TheFirstPictureOfARecordingCannotBeHidden) {
  auto options = options_for(camera_one());
  options.low_bitrate = true;
  auto take = record("IPPPIPPPIPPP", camera_one(), options);
  take.units[take.picture(0)][0] = 0x41;  // an IDR slice that says it is none
  expect(verify(take), Verdict::not_authentic, "no IDR picture any more");
}

// A picture that stands behind the SEI about its GOP has not stayed there: what stands between is not its
// fault.
TEST(Alteration, AUnitBehindItsSeiIsMovedOrMissing) {
  auto options = options_for(camera_one());
  options.max_partial_units = 4;
  auto take = record("IPPPPPPPPPPP", camera_one(), options);
  const auto moved = take.units[take.picture(2)];
  take.erase(take.picture(2));
  take.insert(take.picture(5), moved, 'P');  // behind the next part's first pictures
  const auto report = verify(take);
  expect(report, Verdict::not_authentic, "moved into the next part");
  EXPECT_EQ(report.pictures_authentic, 11u) << testing::PrintToString(findings(report));
}

// A filler unit is compared with nothing. Programs that look for start codes would show what stands in it.
TEST(Alteration, NoUnitHidesAnother) {
  for (const auto codec : {codec::Codec::h264, codec::Codec::h265}) {
    const bool h264 = codec == codec::Codec::h264;
    const Bytes filler = h264 ? Bytes{0x0c, 0xff} : Bytes{0x4c, 0x01, 0xff};
    const Bytes sei = h264 ? Bytes{0x06, 0x04, 0x03, 0xb5} : Bytes{0x4e, 0x01, 0x04, 0x03, 0xb5};
    const Bytes set = h264 ? Bytes{0x68, 0x1b} : Bytes{0x44, 0x01, 0x1b};
    const auto intact = record("IPPPIPPPIPPP", camera_one(), options_for(camera_one(), codec));
    for (const auto& cover : {filler, sei, set}) {
      for (const bool hidden : {false, true}) {
        auto take = intact;
        auto unit = cover;
        append(unit, Bytes{0xff, 0x00, 0x00, static_cast<std::uint8_t>(hidden ? 0x01 : 0x02)});
        append(unit, slice(codec, 'I', 7));
        take.insert(take.picture(6), unit, 'z');
        const auto report = verify(take);
        expect(report, hidden ? Verdict::not_authentic : Verdict::authentic, hidden ? "hidden" : "plain");
        EXPECT_EQ(has_note(report, NoteKind::units_extra), hidden);
      }
    }
  }
}

TEST(Alteration, TheSignedAnchorClearsTheOthersWhenTheIdrIsBad) {
  auto take = standard();
  take.units[take.picture(4)][20] ^= 1;
  const auto report = verify(take);
  expect(report, Verdict::not_authentic, "IDR altered");
  EXPECT_THAT(findings(report), ElementsAre("altered 4..4 gop 1"));
  EXPECT_EQ(report.pictures_authentic, 15u);
}

}  // namespace
}  // namespace camvault::signed_video::test

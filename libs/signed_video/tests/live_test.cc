// AX-4.1-2, AX-4.1-4: video that is verified while it comes, over networks that lose some of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "scene.h"

namespace camvault::signed_video::test {
namespace {

struct Transport {
  double loss = 0;        // probability that a burst begins at a unit
  std::size_t burst = 1;  // units
  bool tells = true;      // the verifier hears of it
};

struct Received {
  Report report;
  std::vector<PictureResult> pictures;
  std::vector<GopReport> gops;
  std::vector<std::size_t> lost;  // units of the take
};

Received receive(const Take& take, const Transport& transport, std::mt19937& random,
                 VerifyOptions options = trusting(camera_one())) {
  Received received;
  options.live.on_picture = [&](const PictureResult& picture) { received.pictures.push_back(picture); };
  options.live.on_gop = [&](const GopReport& gop) { received.gops.push_back(gop); };
  Verifier verifier(take.codec, engine(), std::move(options));
  std::size_t burst = 0;
  bool gap = false;
  for (std::size_t i = 0; i < take.units.size(); ++i) {
    if (burst == 0 && std::uniform_real_distribution<>(0, 1)(random) < transport.loss)
      burst = transport.burst;
    if (burst > 0) {
      --burst;
      gap = true;
      received.lost.push_back(i);
      continue;
    }
    if (std::exchange(gap, false) && transport.tells) verifier.gap();
    codec::Unit unit;
    unit.bytes = take.units[i];
    verifier.add(std::span(&unit, 1));
  }
  if (gap && transport.tells) verifier.gap();
  received.report = verifier.finish();
  return received;
}

struct Variant {
  const char* name;
  std::function<void(SignerOptions&)> set;
  const char* scene = "IPPPPIPPPPIPPPPIPPPPIPPPPIPPPPIPPPPIPPPP";
};

std::vector<Variant> variants() {
  return {
      {"plain", [](SignerOptions&) {}},
      {"slices", [](SignerOptions&) {}, "IiPpPpPpPpIiPpPpPpPpIiPpPpPpPpIiPpPpPpPp"},
      {"low_bitrate", [](SignerOptions& o) { o.low_bitrate = true; }},
      {"repeated", [](SignerOptions& o) { o.repeat_seis = true; }},
      {"every_third", [](SignerOptions& o) { o.signing_interval = 3; }},
      {"parts", [](SignerOptions& o) { o.max_partial_units = 3; },
       "IPPPPPPPPPIPPPPPPPPPIPPPPPPPPPIPPPPPPPPP"},
      {"low_parts",
       [](SignerOptions& o) {
         o.max_partial_units = 3;
         o.low_bitrate = true;
       },
       "IPPPPPPPPPIPPPPPPPPPIPPPPPPPPP"},
      {"start_only", [](SignerOptions& o) { o.chain_in_every_sei = false; }},
  };
}

// Units that a network lost are missing or leave others uncovered, never altered, and nobody is accused.
TEST(Live, LossIsNeverTampering) {
  std::mt19937 random(7);
  for (const auto& variant : variants()) {
    auto options = options_for(camera_one());
    variant.set(options);
    const auto take = record(variant.scene, camera_one(), options);
    for (int trial = 0; trial < 150; ++trial) {
      const Transport transport{trial % 3 == 0 ? 0.02 : 0.08, 1 + static_cast<std::size_t>(trial) % 5};
      const auto received = receive(take, transport, random);
      const auto& report = received.report;
      const auto name = std::string(variant.name) + " lost " + testing::PrintToString(received.lost);
      EXPECT_EQ(report.pictures_altered, 0u) << name << testing::PrintToString(findings(report));
      EXPECT_EQ(report.pictures_extra, 0u) << name << testing::PrintToString(findings(report));
      EXPECT_EQ(report.pictures_out_of_place, 0u) << name;
      if (report.pictures_authentic > 0) {
        EXPECT_NE(report.verdict, Verdict::not_authentic)
            << name << report.verdict_reason << testing::PrintToString(findings(report));
      }
      if (HasFailure()) return;
    }
  }
}

// Without being told, a verifier with hash lists accuses nobody of altering either, as long as the SEIs
// arrive.
TEST(Live, LossOfPicturesThatNobodyTellsOfAltersNothing) {
  std::mt19937 random(8);
  const auto take = record("IPPPPIPPPPIPPPPIPPPPIPPPPIPPPP", camera_one(), options_for(camera_one()));
  for (int trial = 0; trial < 150; ++trial) {
    const auto received = receive(take, {0.05, 1, false}, random);
    if (std::any_of(received.lost.begin(), received.lost.end(),
                    [&](auto unit) { return take.letters[unit] == 'S'; }))
      continue;
    EXPECT_NE(received.report.verdict, Verdict::not_authentic) << received.report.verdict_reason;
    EXPECT_EQ(received.report.pictures_altered, 0u)
        << testing::PrintToString(received.lost) << testing::PrintToString(findings(received.report));
    if (HasFailure()) return;
  }
}

// What is altered is never authentic, whatever else was lost, and nearly always named (its GOP's SEI
// arrives).
TEST(Live, AlteredPicturesAreFoundAmongLostOnes) {
  std::mt19937 random(9);
  const auto intact = record("IPPPPIPPPPIPPPPIPPPPIPPPPIPPPP", camera_one(), options_for(camera_one()));
  int found = 0;
  int reached = 0;
  for (int trial = 0; trial < 150; ++trial) {
    auto take = intact;
    const auto at = take.picture(6 + static_cast<std::size_t>(trial) % 12);
    take.units[at][12] ^= 0x20;
    const auto received = receive(take, {0.05, 1}, random);
    const auto is_lost = [&](std::size_t unit) {
      return std::find(received.lost.begin(), received.lost.end(), unit) != received.lost.end();
    };
    auto sei = at;
    while (take.letters[sei] != 'S') ++sei;
    if (is_lost(at) || is_lost(sei)) continue;
    ++reached;
    if (received.report.verdict == Verdict::not_authentic && received.report.pictures_altered > 0) {
      ++found;
      continue;
    }
    // At the end of a GOP behind a gap it can be a picture of the next one, whose IDR picture was lost.
    const auto pictures_in = [&](auto begin, auto end) {
      return static_cast<std::size_t>(std::count_if(begin, end, [](char c) { return c != 'S'; }));
    };
    auto index = pictures_in(take.letters.begin(), take.letters.begin() + static_cast<std::ptrdiff_t>(at));
    for (const auto unit : received.lost) index -= unit < at && take.letters[unit] != 'S' ? 1U : 0U;
    EXPECT_EQ(received.pictures.at(index).status, UnitStatus::not_covered);
  }
  EXPECT_GT(reached, 100);
  EXPECT_GT(found, reached * 9 / 10);
}

// A still scene: every second GOP is the same bit by bit, IDR picture and all. The list of one must not be
// read for its twin when SEIs between them are lost.
TEST(Live, ATwinOfAGopIsNotTakenForIt) {
  Take take;
  auto signer = Signer::create(engine(), camera_one().key, options_for(camera_one())).value();
  constexpr std::uint32_t kLength = 5;
  for (std::uint32_t n = 0; n < 8 * kLength; ++n) {
    const auto alike = n / kLength % 2 * 100 + n % kLength;
    const Bytes units[] = {slice(take.codec, n % kLength == 0 ? 'I' : 'P', 3 * alike),
                           slice(take.codec, n % kLength == 0 ? 'i' : 'p', 3 * alike + 1)};
    const BytesView views[] = {units[0], units[1]};
    for (const auto& sei : must(signer.add(views, recording_begins() + n * kFrame)))
      take.insert(take.units.size(), sei, 'S');
    take.insert(take.units.size(), units[0], n % kLength == 0 ? 'I' : 'P');
    take.insert(take.units.size(), units[1], 'p');
  }
  for (const auto& sei : must(signer.finish())) take.insert(take.units.size(), sei, 'S');
  // Lost: the SEIs about GOPs 2 and 3, a slice of GOP 2, and a slice in each of two pictures of GOP 4, its
  // twin.
  const std::set<std::size_t> lost = {take.find('S', 3), take.find('S', 4), take.picture(12) + 1,
                                      take.picture(21) + 1, take.picture(23) + 1};
  Verifier verifier(take.codec, engine(), trusting(camera_one()));
  for (std::size_t i = 0; i < take.units.size(); ++i) {
    if (lost.contains(i)) {
      verifier.gap();
      continue;
    }
    codec::Unit unit;
    unit.bytes = take.units[i];
    verifier.add(std::span(&unit, 1));
  }
  const auto report = verifier.finish();
  EXPECT_EQ(report.verdict, Verdict::authentic_with_missing_frames) << report.verdict_reason;
  EXPECT_EQ(report.pictures_altered + report.pictures_extra + report.pictures_out_of_place, 0u);
  EXPECT_EQ(report.pictures_not_covered, 2 * kLength);
  std::set<std::uint32_t> missing;
  for (const auto& finding : report.findings)
    if (finding.status == UnitStatus::missing) missing.insert(finding.first_picture);
  EXPECT_EQ(missing, (std::set<std::uint32_t>{21, 23}));
}

// A lost SEI makes nothing authentic: who throws SEIs away and says "the network did it" gains uncovered
// pictures.
TEST(Live, GapsMakeNothingAuthentic) {
  auto take = record("IPPPIPPPIPPPIPPP", camera_one(), options_for(camera_one()));
  take.units[take.picture(5)][12] ^= 0x20;
  auto sei = take.picture(5);
  while (take.letters[sei] != 'S') ++sei;
  std::vector<PictureResult> pictures;
  auto options = trusting(camera_one());
  options.live.on_picture = [&](const PictureResult& picture) { pictures.push_back(picture); };
  Verifier verifier(take.codec, engine(), options);
  for (std::size_t i = 0; i < take.units.size(); ++i) {
    if (i == sei) {
      verifier.gap();
      continue;
    }
    codec::Unit unit;
    unit.bytes = take.units[i];
    verifier.add(std::span(&unit, 1));
  }
  const auto report = verifier.finish();
  EXPECT_EQ(report.verdict, Verdict::authentic_with_missing_frames) << report.verdict_reason;
  EXPECT_TRUE(has_note(report, NoteKind::lost_on_the_way));
  EXPECT_FALSE(has_note(report, NoteKind::sei_removed));
  ASSERT_EQ(pictures.size(), 16u);
  for (const auto& picture : pictures)
    EXPECT_EQ(picture.status, picture.clip_picture / 4 == 1 ? UnitStatus::not_covered : UnitStatus::authentic)
        << picture.clip_picture;
}

// What the listener hears is what the report says.
TEST(Live, ListenerHearsWhatTheReportSays) {
  std::mt19937 random(10);
  for (const auto& variant : variants()) {
    auto options = options_for(camera_one());
    variant.set(options);
    auto take = record(variant.scene, camera_one(), options);
    take.units[take.picture(7)][12] ^= 0x20;
    for (int trial = 0; trial < 30; ++trial) {
      const auto received = receive(take, {trial == 0 ? 0 : 0.05, 1}, random);
      const auto& report = received.report;
      // Slices whose first one is lost have no picture of their own here and count with the one before.
      std::set<std::uint32_t> told;
      for (std::size_t i = 0; i < received.pictures.size(); ++i) {
        told.insert(received.pictures[i].clip_picture);
        if (i == 0) continue;
        EXPECT_GE(received.pictures[i].clip_picture, received.pictures[i - 1].clip_picture) << variant.name;
      }
      EXPECT_EQ(told.size(), report.pictures) << variant.name << testing::PrintToString(received.lost);
      const auto count = [&](UnitStatus status) {
        return std::count_if(received.pictures.begin(), received.pictures.end(),
                             [&](const auto& p) { return p.status == status; });
      };
      EXPECT_EQ(count(UnitStatus::authentic), report.pictures_authentic);
      EXPECT_EQ(count(UnitStatus::altered), report.pictures_altered);
      EXPECT_EQ(count(UnitStatus::not_covered), report.pictures_not_covered);
      ASSERT_EQ(received.gops.size(), report.gops.size());
      for (std::size_t i = 0; i < received.gops.size(); ++i) {
        EXPECT_EQ(received.gops[i].index, report.gops[i].index);
        EXPECT_EQ(received.gops[i].verdict, report.gops[i].verdict);
        EXPECT_EQ(received.gops[i].pictures, report.gops[i].pictures);
      }
      if (HasFailure()) return;
    }
  }
}

// A picture is told of with the SEI of its GOP, not one GOP later.
TEST(Live, PicturesAreToldAsSoonAsTheirSignatureIsThere) {
  const auto take = record("IPPPIPPPIPPP", camera_one(), options_for(camera_one()));
  std::size_t told = 0;
  auto options = trusting(camera_one());
  options.live.on_picture = [&](const PictureResult&) { ++told; };
  Verifier verifier(take.codec, engine(), options);
  std::size_t pictures = 0;
  for (std::size_t i = 0; i < take.units.size(); ++i) {
    codec::Unit unit;
    unit.bytes = take.units[i];
    verifier.add(std::span(&unit, 1));
    if (take.letters[i] != 'S') ++pictures;
    EXPECT_EQ(verifier.pictures(), pictures);
    if (pictures >= 6 && i + 1 < take.units.size()) {
      // The SEI of a finished GOP stands before the second picture of the next one here.
      EXPECT_GE(told, (pictures - 2) / 4 * 4) << i;
    }
  }
  verifier.finish();
  EXPECT_EQ(told, 12u);
}

TEST(Live, LongStreamsKeepTheLastGops) {
  std::string scene;
  for (int i = 0; i < 200; ++i) scene += "IP";
  const auto take = record(scene, camera_one(), options_for(camera_one()));
  auto options = trusting(camera_one());
  std::size_t gops = 0;
  options.live.on_gop = [&](const GopReport&) { ++gops; };
  options.live.keep_gops = 10;
  const auto report = verify(take, options);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(gops, 200u);
  EXPECT_GE(report.gops.size(), 10u);
  EXPECT_LE(report.gops.size(), 20u);
  EXPECT_EQ(report.gops.back().index, 199u);
  EXPECT_EQ(report.pictures_authentic, 400u);
}

TEST(Live, OriginIsKnownWhileTheVideoRuns) {
  const auto take = record("IPPPIPPPIPPP", camera_one(), options_for(camera_one()));
  Verifier verifier(take.codec, engine(), trusting(camera_one()));
  EXPECT_EQ(verifier.origin().provenance, Provenance::unknown);
  for (const auto& bytes : take.units) {
    codec::Unit unit;
    unit.bytes = bytes;
    verifier.add(std::span(&unit, 1));
  }
  EXPECT_EQ(verifier.origin().provenance, Provenance::trusted);
  EXPECT_EQ(verifier.origin().signer->serial, "CAM-0001");
  Verifier other(take.codec, engine(), {});
  for (const auto& bytes : take.units) {
    codec::Unit unit;
    unit.bytes = bytes;
    other.add(std::span(&unit, 1));
  }
  EXPECT_EQ(other.origin().provenance, Provenance::unknown);
}

}  // namespace
}  // namespace camvault::signed_video::test

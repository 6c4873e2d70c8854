// AX-4.1-1, AX-4.1-2: what a camera signed is authentic, in every variant, and so is what may be done to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "variants.h"

namespace camvault::signed_video::test {
namespace {

using testing::IsEmpty;

TEST(Verifier, IntactIsAuthenticAndTrusted) {
  const auto report = verify(standard());
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.provenance, Provenance::trusted) << report.provenance_reason;
  EXPECT_THAT(findings(report), IsEmpty());
  ASSERT_EQ(report.gops.size(), 4u);
  for (const auto& gop : report.gops) {
    EXPECT_EQ(gop.verdict, UnitStatus::authentic);
    EXPECT_EQ(gop.signature, SignatureStatus::valid);
    EXPECT_EQ(gop.pictures, 4u);
  }
  EXPECT_EQ(report.pictures, 16u);
  EXPECT_EQ(report.pictures_authentic, 16u);
  EXPECT_EQ(report.first_time, recording_begins());
  EXPECT_EQ(report.last_time, recording_begins() + 16 * kFrame);
  EXPECT_EQ(report.signer->serial, "CAM-0001");
  EXPECT_EQ(report.signer->vendor_firmware, "1.2.3");
}

// Long enough to be shared out: verify() compares one thread with three (scene.h).
TEST(Verifier, ThreadsFindTheSame) {
  std::string scene;
  for (int gop = 0; gop < 40; ++gop) scene += "IiPpPpPpPpPpPpPpPpPp";
  auto take = record(scene, camera_one(), options_for(camera_one()));
  EXPECT_EQ(verify(take, trusting(camera_one()), 1000).verdict, Verdict::authentic);
  take.units[take.picture(37)].back() ^= 1;
  take.erase(take.picture(150));
  take.units[take.find('S', 20)].back() ^= 1;                                      // no longer an SEI
  take.units[take.find('S', 25)][take.units[take.find('S', 25)].size() - 9] ^= 1;  // its signature
  take.insert(take.find('S', 30), take.units[take.find('S', 29)], 'S');            // a repeat
  const auto other = record(scene, camera_two(), options_for(camera_two()), 5);
  for (std::size_t i = 0; i < other.units.size(); ++i)
    take.insert(take.units.size(), other.units[i], other.letters[i]);
  expect(verify(take, trusting(camera_one()), 1000), Verdict::not_authentic, "altered in many places");
}

TEST(Verifier, EveryVariantIsAuthentic) {
  for (const auto& variant : variants()) {
    auto options = options_for(camera_one(), variant.codec);
    variant.set(options);
    const auto take = record(variant.scene, camera_one(), options);
    for (const std::size_t run : {1u, 3u, 256u}) {
      const auto report = verify(take, trusting(camera_one()), run);
      EXPECT_EQ(report.verdict, Verdict::authentic) << variant.name << " " << report.verdict_reason;
      EXPECT_EQ(report.provenance, Provenance::trusted) << variant.name << " " << report.provenance_reason;
      EXPECT_THAT(findings(report), IsEmpty()) << variant.name;
      EXPECT_EQ(report.pictures_authentic, report.pictures) << variant.name;
    }
  }
}

TEST(Verifier, EveryKeyIsAuthentic) {
  for (const auto alg : {crypto::KeyAlg::ec_p384, crypto::KeyAlg::ec_p521, crypto::KeyAlg::rsa_2048,
                         crypto::KeyAlg::rsa_3072}) {
    const auto camera = maker().camera("CAM-0009", alg);
    const auto report = verify(record(kScene, camera, options_for(camera)));
    EXPECT_EQ(report.verdict, Verdict::authentic) << to_string(alg);
    EXPECT_EQ(report.provenance, Provenance::trusted) << to_string(alg);
  }
}

TEST(Verifier, CutsLeaveTheRestAuthentic) {
  for (const auto& variant : variants()) {
    auto options = options_for(camera_one(), variant.codec);
    variant.set(options);
    if (!options.chain_in_every_sei) continue;  // the certificate is cut away
    const auto intact = record(variant.scene, camera_one(), options);
    const auto pictures = static_cast<std::size_t>(verify(intact).pictures);
    for (std::size_t cut = 1; cut + 1 < pictures; ++cut) {
      auto tail = intact;
      tail.erase(tail.picture(cut), tail.units.size());
      const auto without_tail = verify(tail);
      if (without_tail.pictures_authentic > 0) {
        EXPECT_EQ(without_tail.verdict, Verdict::authentic)
            << variant.name << " tail " << cut << without_tail.verdict_reason
            << testing::PrintToString(findings(without_tail));
      }
      for (const auto& finding : without_tail.findings)
        EXPECT_EQ(finding.status, UnitStatus::not_covered) << variant.name << " " << cut;
      auto head = intact;
      head.erase(0, head.picture(cut));
      const auto without_head = verify(head);
      if (without_head.pictures_authentic > 0) {
        EXPECT_EQ(without_head.verdict, Verdict::authentic)
            << variant.name << " head " << cut << without_head.verdict_reason
            << testing::PrintToString(findings(without_head));
      }
      for (const auto& finding : without_head.findings)
        EXPECT_EQ(finding.status, UnitStatus::not_covered) << variant.name << " " << cut;
    }
  }
}

TEST(Verifier, ARepeatedSeiIsAllowed) {
  const auto intact = standard();
  for (std::size_t n = 0; n < 5; ++n) {
    for (std::size_t at = intact.find('S', n); at <= intact.units.size(); at += 3) {
      auto take = intact;
      take.insert(at, take.units[take.find('S', n)], 'S');
      const auto report = verify(take);
      EXPECT_EQ(report.verdict, Verdict::authentic) << n << " at " << at;
      EXPECT_TRUE(has_note(report, NoteKind::sei_repeated));
    }
  }
}

TEST(Verifier, ASeiMayStandElsewhereBehindItsGop) {
  const auto intact = standard();
  for (std::size_t n = 1; n < 4; ++n) {
    for (std::size_t places = 1; places < 3; ++places) {
      auto take = intact;
      auto at = take.find('S', n);
      for (std::size_t step = 0; step < places; ++step, ++at) take.swap(at, at + 1);
      EXPECT_EQ(verify(take).verdict, Verdict::authentic) << n << " later by " << places;
      take = intact;
      at = take.find('S', n);
      take.swap(at, at - 1);  // before the picture that ends the GOP
      EXPECT_EQ(verify(take).verdict, Verdict::authentic) << n << " earlier";
      take.swap(at - 1, at - 2);  // even before the last picture it covers
      EXPECT_EQ(verify(take).verdict, Verdict::authentic) << n << " early";
    }
  }
}

TEST(Verifier, ACertificateThatComesLaterServesWhatWasBefore) {
  auto options = options_for(camera_one());
  options.chain_in_every_sei = false;
  auto take = record(kScene, camera_one(), options);
  const auto certificate = take.units[take.find('S')];
  take.erase(take.find('S'));
  take.insert(take.picture(10), certificate, 'S');
  const auto report = verify(take);
  expect(report, Verdict::authentic, "late certificate");
}

TEST(Verifier, TrailingZerosAreNotHashed) {
  auto take = standard();
  for (auto& unit : take.units) unit.insert(unit.end(), 3, 0);
  expect(verify(take), Verdict::authentic, "trailing zeros");
}

TEST(Verifier, ParameterSetsAreListedAsNotCovered) {
  auto take = standard();
  take.insert(0, Bytes{0x67, 0x42, 0x00, 0x1e, 0x80}, 'x');
  const auto report = verify(take);
  expect(report, Verdict::authentic, "parameter set");
  EXPECT_TRUE(has_note(report, NoteKind::not_covered_by_format));
}

// The borders of the runs fall where the reader's buffer ends: a recording whose hash algorithm changes on
// the way, or that nobody signed for longer than an unknown algorithm is waited for, is the same in any of
// them.
TEST(Verifier, RunsDoNotMatter) {
  auto options = options_for(camera_one());
  auto joined = record(kScene, camera_one(), options);
  options.hash = crypto::HashAlg::sha512;
  const auto second = record(kScene, camera_one(), options, 1);
  for (std::size_t i = 0; i < second.units.size(); ++i)
    joined.insert(joined.units.size(), second.units[i], second.letters[i]);
  auto late = second;
  for (std::uint32_t i = 0; i < 5000; ++i) late.insert(0, slice(late.codec, 'P', 10'000 + i), 'P');
  for (const auto* take : {&joined, &late}) {
    const auto singly = verify(*take, trusting(camera_one()), 1);
    for (const std::size_t run : {std::size_t{2}, std::size_t{64}, std::size_t{4097}, std::size_t{100'000}}) {
      const auto report = verify(*take, trusting(camera_one()), run);
      EXPECT_EQ(report.verdict, singly.verdict) << run;
      EXPECT_EQ(report.pictures_authentic, singly.pictures_authentic) << run;
      EXPECT_EQ(findings(report), findings(singly)) << run;
    }
  }
  EXPECT_EQ(verify(joined).pictures_authentic, verify(joined).pictures) << "each part with its own algorithm";
}

}  // namespace
}  // namespace camvault::signed_video::test

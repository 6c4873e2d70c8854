// IP-4.2-2: whose signatures count, and when.
#include <gtest/gtest.h>

#include "variants.h"

namespace camvault::signed_video::test {
namespace {

TEST(Origin, WithNothingVouchedForATimeCanBeGiven) {
  auto take = record("IPP", camera_one(), options_for(camera_one()));
  for (auto& unit : take.units) unit[unit.size() / 2] ^= 1;
  auto options = trusting(camera_one());
  options.at = recording_begins();
  EXPECT_EQ(verify(take, options).verdict, Verdict::not_authentic);
}

TEST(Origin, TwoRecordingsAreJoined) {
  auto first_options = options_for(camera_one());
  auto second_options = first_options;
  for (const std::uint32_t counter : {1u, 1000u, 1002u, 1003u, 1005u, 500'000u}) {
    second_options.first_counter = counter;
    for (const auto hours : {-5, 1, 500}) {
      const auto a = record("IPPPIPPPIPPPIPPP", camera_one(), first_options);
      const auto b = record("IPPPIPPPIPPPIPPP", camera_one(), second_options, 77,
                            recording_begins() + std::chrono::hours(hours));
      for (const std::size_t cut : {4u, 8u, 6u}) {
        auto take = a;
        take.erase(take.picture(cut), take.units.size());
        for (auto i = b.picture(cut); i < b.units.size(); ++i)
          take.insert(take.units.size(), b.units[i], b.letters[i]);
        const auto report = verify(take);
        EXPECT_EQ(report.verdict, Verdict::not_authentic)
            << counter << " " << hours << "h cut " << cut << " " << testing::PrintToString(findings(report));
      }
    }
  }
}

TEST(Origin, StrippedIsNotSigned) {
  auto take = standard();
  for (auto sei = take.find('S'); sei != SIZE_MAX; sei = take.find('S')) take.erase(sei);
  const auto report = verify(take);
  expect(report, Verdict::not_signed, "stripped");
  EXPECT_EQ(report.provenance, Provenance::unknown);
}

TEST(Origin, SeisOfAnotherRecordingDoNotHelp) {
  const auto a = standard();
  auto options = options_for(camera_one());
  const auto b = record(kScene, camera_one(), options, 99);
  auto take = a;
  for (std::size_t n = 0; n < 5; ++n) take.units[take.find('S', n)] = b.units[b.find('S', n)];
  expect(verify(take), Verdict::not_authentic, "SEIs of another recording");
}

TEST(Origin, AnotherCamerasSignatureIsNotThisCamera) {
  const auto take = record(kScene, camera_two(), options_for(camera_two()));
  auto options = trusting(camera_one());
  EXPECT_EQ(verify(take, options).provenance, Provenance::trusted);  // the same maker
  options.expected_signer = camera_one().leaf;
  EXPECT_EQ(verify(take, options).provenance, Provenance::untrusted);
  EXPECT_EQ(verify(take, options).verdict, Verdict::not_authentic);
  options = trusting(camera_one());
  options.expected_serial = "CAM-0001";
  EXPECT_EQ(verify(take, options).provenance, Provenance::untrusted);
  EXPECT_EQ(verify(take, options).verdict, Verdict::not_authentic);
  options.expected_serial = "CAM-0002";
  EXPECT_EQ(verify(take, options).provenance, Provenance::trusted);
  const Maker stranger;
  EXPECT_EQ(verify(take, trusting(stranger.camera("CAM-0002"))).provenance, Provenance::untrusted);
  EXPECT_EQ(verify(take, {}).provenance, Provenance::unknown);
}

TEST(Origin, APartSignedAnewIsFound) {
  const auto a = standard();
  auto options = options_for(camera_two());
  const auto b = record(kScene, camera_two(), options);
  auto take = a;
  for (std::size_t n = 3; n < 5; ++n) take.units[take.find('S', n)] = b.units[b.find('S', n)];
  const auto report = verify(take);
  expect(report, Verdict::not_authentic, "signed anew");
  EXPECT_TRUE(has_note(report, NoteKind::signer_changed));
}

TEST(Origin, WithoutACertificateTheSignerMustBeGiven) {
  auto options = options_for(camera_one());
  options.chain_in_every_sei = false;
  auto take = record(kScene, camera_one(), options);
  take.erase(take.find('S'));  // the certificate SEI
  const auto report = verify(take);
  expect(report, Verdict::not_authentic, "no certificate");
  EXPECT_TRUE(has_note(report, NoteKind::no_certificate));
  VerifyOptions given;
  given.expected_signer = camera_one().leaf;
  EXPECT_EQ(verify(take, given).verdict, Verdict::authentic);
  EXPECT_EQ(verify(take, given).provenance, Provenance::trusted);
}

TEST(Origin, ARotatedKeyOfTheSameCameraIsAccepted) {
  auto options = options_for(camera_one());
  const auto next = maker().camera("CAM-0001");  // another key for the same device by the same issuer
  const auto a = record("IPPPIPPP", camera_one(), options);
  // The same signer state with another key: what a camera does when it renews its certificate.
  auto b_options = options_for(next);
  const auto b = record("IPPPIPPPIPPP", next, b_options);
  auto take = b;
  for (std::size_t n = 0; n < 3; ++n) take.units[take.find('S', n)] = a.units[a.find('S', n)];
  const auto report = verify(take);
  EXPECT_TRUE(has_note(report, NoteKind::key_changed));
  expect(report, Verdict::authentic, "rotated");
  EXPECT_EQ(report.provenance, Provenance::trusted) << report.provenance_reason;
}

TEST(Origin, CertificatesAreJudgedAtRecordingTime) {
  auto late = options_for(camera_one());
  const auto take = record(kScene, camera_one(), late, 0, recording_begins() + std::chrono::hours(24 * 400));
  EXPECT_EQ(verify(take).provenance, Provenance::untrusted);
  auto options = trusting(camera_one());
  options.at = recording_begins();
  const auto report = verify(take, options);
  EXPECT_EQ(report.provenance, Provenance::trusted);
  EXPECT_TRUE(report.judged_at_given);
  const auto unset_clock = record(kScene, camera_one(), late, 0, from_unix_seconds(3600));
  const auto implausible = verify(unset_clock);
  EXPECT_EQ(implausible.provenance, Provenance::unknown);
  EXPECT_TRUE(has_note(implausible, NoteKind::times_implausible));
}

}  // namespace
}  // namespace camvault::signed_video::test

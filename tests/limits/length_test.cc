// Long GOPs, long lists, long streams: signed, verified, altered. AX-4.1-2.
#include <numeric>

#include "limits.h"

namespace camvault::signed_video::test {
namespace {

std::string one_gop(std::size_t units) {
  return "I" + std::string(units - 1, 'P');
}

std::string gops(std::size_t count, std::size_t pictures) {
  std::string scene;
  for (std::size_t i = 0; i < count; ++i) scene += one_gop(pictures);
  return scene;
}

Take timed_record(const std::string& scene, const SignerOptions& options, double& seconds) {
  Take take;
  seconds += cpu_time_of([&] { take = record(scene, camera_one(), options); });
  return take;
}

void alter_all_pictures(Take& take) {
  for (std::size_t i = 0; i < take.units.size(); ++i) {
    if (take.letters[i] != 'S') take.units[i][take.units[i].size() / 2] ^= 0x55;
  }
}

TEST(Length, AGopOf100000UnitsIsAuthentic) {
  expect_linear(50'000, 60, [](std::size_t n) {
    double seconds = 0;
    auto options = options_for(camera_one());
    options.max_partial_time = std::chrono::hours(24);
    const auto take = timed_record(one_gop(n) + "IP", options, seconds);
    const auto report = verify_in(take, seconds);
    EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
    EXPECT_EQ(report.pictures_authentic, n + 2);
    return seconds;
  });
}

TEST(Length, AGopOf100000UnitsIsAuthenticInTheLongestParts) {
  expect_linear(50'000, 60, [](std::size_t n) {
    double seconds = 0;
    auto options = options_for(camera_one());
    options.max_partial_time = std::chrono::hours(24);
    options.max_partial_units = 65'534;
    const auto take = timed_record(one_gop(n) + "IP", options, seconds);
    const auto report = verify_in(take, seconds);
    EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
    EXPECT_EQ(report.pictures_authentic, n + 2);
    return seconds;
  });
}

TEST(Length, OneAlteredPictureOf100000IsNamed) {
  expect_linear(50'000, 60, [](std::size_t n) {
    double seconds = 0;
    auto options = options_for(camera_one());
    options.max_partial_time = std::chrono::hours(24);
    auto take = timed_record(one_gop(n) + "IP", options, seconds);
    take.units[take.picture(n / 2)][20] ^= 1;
    const auto report = verify_in(take, seconds);
    EXPECT_EQ(report.verdict, Verdict::not_authentic);
    EXPECT_EQ(report.pictures_altered, 1u);
    EXPECT_EQ(report.findings.size(), 1u);
    if (!report.findings.empty()) {
      EXPECT_EQ(report.findings[0].first_picture, n / 2);
    }
    return seconds;
  });
}

TEST(Length, ALongGopWithoutItsSignaturesHasAVerdict) {
  // The SEIs of a GOP of 200,000 units were stripped: more units wait than the verifier keeps.
  expect_linear(100'000, 60, [](std::size_t n) {
    double seconds = 0;
    auto take = timed_record("IPPP" + one_gop(n) + "IPPIPP", options_for(camera_one()), seconds);
    Take stripped;
    std::size_t pictures = 0;
    for (std::size_t i = 0; i < take.units.size(); ++i) {
      if (take.letters[i] != 'S') ++pictures;
      if (take.letters[i] == 'S' && pictures > 6 && pictures <= n + 4) continue;
      append_unit(stripped, take.units[i], take.letters[i]);
    }
    const auto report = verify_in(stripped, seconds);
    EXPECT_EQ(report.verdict, Verdict::not_authentic) << report.verdict_reason;
    return seconds;
  });
}

TEST(Length, AHashListAtItsLimitNamesEveryPicture) {
  // 2047 entries are what a TLV length can hold with SHA-256 (65,534 bytes).
  auto options = options_for(camera_one());
  options.max_partial_units = 65'534;
  options.max_partial_time = std::chrono::hours(24);
  for (const std::size_t units : {2046u, 2047u}) {
    const auto whole = record(one_gop(units) + one_gop(units) + "IP", camera_one(), options);
    EXPECT_EQ(verify(whole).verdict, Verdict::authentic);
    auto cut = whole;
    cut.erase(cut.picture(units + 1000));
    cut.units[cut.picture(7)][20] ^= 1;
    double seconds = 0;
    const auto report = verify_in(cut, seconds);
    EXPECT_EQ(report.verdict, Verdict::not_authentic);
    EXPECT_EQ(report.pictures_altered, 1u);
    EXPECT_EQ(report.pictures_missing, 1u);
    EXPECT_LT(seconds, 10);
  }
  // One more does not fit: signed as a whole, judged as a whole.
  auto longer = record(one_gop(2048) + "IP", camera_one(), options);
  EXPECT_EQ(verify(longer).verdict, Verdict::authentic);
  longer.units[longer.picture(7)][20] ^= 1;
  EXPECT_EQ(verify(longer).verdict, Verdict::not_authentic);
}

TEST(Length, AStreamAlteredFromEndToEnd) {
  for (const bool low : {false, true}) {
    expect_linear(1500, 60, [low](std::size_t n) {
      double seconds = 0;
      auto options = options_for(camera_one());
      options.low_bitrate = low;
      auto take = record(gops(n, 10), camera_one(), options);
      alter_all_pictures(take);
      const auto report = verify_in(take, seconds);
      EXPECT_EQ(report.verdict, Verdict::not_authentic);
      EXPECT_EQ(report.pictures_authentic, 0u);
      return seconds;
    });
  }
}

TEST(Length, LongListsWithEveryPictureAltered) {
  expect_linear(80, 60, [](std::size_t n) {
    double seconds = 0;
    auto options = options_for(camera_one());
    options.max_partial_units = 65'534;
    options.max_partial_time = std::chrono::hours(24);
    auto take = record(gops(n, 400), camera_one(), options);
    alter_all_pictures(take);
    const auto report = verify_in(take, seconds);
    EXPECT_EQ(report.verdict, Verdict::not_authentic);
    return seconds;
  });
}

TEST(Length, EveryPictureBeginsAGop) {
  expect_linear(4000, 60, [](std::size_t n) {
    double seconds = 0;
    auto options = options_for(camera_one());
    options.signing_interval = 50;
    options.chain_in_every_sei = false;
    const auto take = timed_record(std::string(n, 'I'), options, seconds);
    const auto report = verify_in(take, seconds);
    EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
    return seconds;
  });
}

TEST(Length, AnchorsWithoutSignatures) {
  // IDR pictures that no SEI ever covers, then an SEI with a list that matches none of them.
  expect_linear(100'000, 60, [](std::size_t n) {
    double seconds = 0;
    auto take = record("IPPIPP", camera_one(), options_for(camera_one()));
    Take hostile;
    for (std::uint32_t i = 0; i < n; ++i) append_unit(hostile, slice(codec::Codec::h264, 'I', i, 77), 'I');
    for (std::size_t i = 0; i < take.units.size(); ++i) append_unit(hostile, take.units[i], take.letters[i]);
    const auto report = verify_in(hostile, seconds);
    EXPECT_NE(report.verdict, Verdict::authentic_with_missing_frames);
    EXPECT_GE(report.pictures, n);
    return seconds;
  });
}

TEST(Length, ReversedAndShuffledStreams) {
  expect_linear(800, 60, [](std::size_t n) {
    double seconds = 0;
    const auto take = record(gops(n, 10), camera_one(), options_for(camera_one()));
    Take reversed;
    for (auto i = take.units.size(); i-- > 0;) append_unit(reversed, take.units[i], take.letters[i]);
    EXPECT_EQ(verify_in(reversed, seconds).verdict, Verdict::not_authentic);
    Take shuffled;  // a fixed stride that visits every unit once
    auto stride = take.units.size() / 3 | 1;
    while (std::gcd(stride, take.units.size()) != 1) stride += 2;
    for (std::size_t i = 0, at = 0; i < take.units.size(); ++i, at = (at + stride) % take.units.size()) {
      append_unit(shuffled, take.units[at], take.letters[at]);
    }
    EXPECT_EQ(verify_in(shuffled, seconds).verdict, Verdict::not_authentic);
    return seconds;
  });
}

TEST(Length, ThousandsOfTrustAnchorsOfOneName) {
  // Roots that all have the name the camera's issuer has, and other keys.
  expect_linear(400, 60, [](std::size_t n) {
    static std::vector<crypto::Certificate> roots;
    crypto_openssl::CertificateProfile profile;
    profile.ca = true;
    profile.key_usage = crypto_openssl::KeyUsage::key_cert_sign;
    profile.not_before = recording_begins() - std::chrono::hours(24);
    profile.not_after = recording_begins() + std::chrono::hours(24);
    while (roots.size() < n) {
      const auto key = crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256).value();
      roots.push_back(crypto_openssl::issue_self_signed(*key, named("Root"), profile, Bytes{1}).value());
    }
    VerifyOptions options;
    options.anchors.assign(roots.begin(), roots.begin() + static_cast<std::ptrdiff_t>(n));
    double seconds = 0;
    const auto take = record("IPPIPPIPP", camera_one(), options_for(camera_one()));
    const auto report = verify_in(take, seconds, options);
    EXPECT_EQ(report.verdict, Verdict::authentic);
    EXPECT_EQ(report.provenance, Provenance::untrusted);
    return seconds;
  });
}

}  // namespace
}  // namespace camvault::signed_video::test

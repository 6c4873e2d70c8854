// AX-4.1-1, AX-4.1-2, AX-4.1-4, IP-4.2-2: every edit of a signed stream gets its name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scene.h"

namespace camvault::signed_video::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kScene[] = "IPPPIPPPIPPPIPPP";  // 4 GOPs of 4 pictures

Take standard() {
  return record(kScene, camera_one(), options_for(camera_one()));
}

void expect(const Report& report, Verdict verdict, const char* why) {
  EXPECT_EQ(report.verdict, verdict) << why << ": " << to_string(report.verdict) << ", "
                                     << report.verdict_reason;
}

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

struct Variant {
  const char* name;
  std::function<void(SignerOptions&)> set;
  codec::Codec codec = codec::Codec::h264;
  const char* scene = kScene;
};

std::vector<Variant> variants() {
  return {
      {"plain", [](SignerOptions&) {}},
      {"h265", [](SignerOptions&) {}, codec::Codec::h265},
      {"slices", [](SignerOptions&) {}, codec::Codec::h264, "IiiPppPppIiiPppPppIiiPpp"},
      {"temporal_layers", [](SignerOptions&) {}, codec::Codec::h265, "ITPTPTITPTPT"},
      {"all_intra", [](SignerOptions&) {}, codec::Codec::h264, "IIIIIIII"},
      {"low_bitrate", [](SignerOptions& o) { o.low_bitrate = true; }},
      {"every_third", [](SignerOptions& o) { o.signing_interval = 3; }, codec::Codec::h264,
       "IPPIPPIPPIPPIPPIPPIPPIPP"},
      {"low_every_second",
       [](SignerOptions& o) {
         o.signing_interval = 2;
         o.low_bitrate = true;
       }},
      {"parts", [](SignerOptions& o) { o.max_partial_units = 3; }, codec::Codec::h264,
       "IPPPPPPPPPIPPPPPPPPP"},
      {"parts_by_time", [](SignerOptions& o) { o.max_partial_time = std::chrono::milliseconds(100); },
       codec::Codec::h264, "IPPPPPPPPPIPPPPPPPPP"},
      {"low_parts",
       [](SignerOptions& o) {
         o.max_partial_units = 3;
         o.low_bitrate = true;
       },
       codec::Codec::h264, "IPPPPPPPPPIPPPPPPPPP"},
      {"certificate_sei_only", [](SignerOptions& o) { o.chain_in_every_sei = false; }},
      {"no_certificate_sei", [](SignerOptions& o) { o.certificate_sei = false; }},
      {"no_emulation_prevention", [](SignerOptions& o) { o.emulation_prevention = false; }},
      {"repeated", [](SignerOptions& o) { o.repeat_seis = true; }},
      {"sha512", [](SignerOptions& o) { o.hash = crypto::HashAlg::sha512; }},
      {"sha384_low",
       [](SignerOptions& o) {
         o.hash = crypto::HashAlg::sha384;
         o.low_bitrate = true;
       }},
      {"axis", [](SignerOptions& o) { o.form = SignatureForm::axis; }},
      {"axis_low_every_second",
       [](SignerOptions& o) {
         o.form = SignatureForm::axis;
         o.low_bitrate = true;
         o.signing_interval = 2;
       }},
      {"axis_parts_sha512",
       [](SignerOptions& o) {
         o.form = SignatureForm::axis;
         o.max_partial_units = 3;
         o.hash = crypto::HashAlg::sha512;
       },
       codec::Codec::h265, "IPPPPPPPPPIPPPPPPPPP"},
      {"av1", [](SignerOptions&) {}, codec::Codec::av1},
      {"no_interval_last", [](SignerOptions& o) { o.signing_interval = 100; }},
  };
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

// In every variant, every single-unit edit of a covered unit is found; with hash lists the picture is named.
TEST(Verifier, EveryAlteredUnitIsFound) {
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
TEST(Verifier, EveryAlteredHeaderIsFound) {
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

TEST(Verifier, EveryDroppedUnitIsFound) {
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

TEST(Verifier, ADroppedSeiLeavesItsGopUncovered) {
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

TEST(Verifier, InsertedAndDuplicatedPicturesAreExtra) {
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

TEST(Verifier, NothingStandsBeforeTheFirstPicture) {
  for (const char letter : {'P', 'I'}) {
    auto take = standard();
    take.insert(take.picture(0), slice(codec::Codec::h264, letter, 6000), letter);
    expect(verify(take), Verdict::not_authentic, "inserted at the head");
  }
}

// A still scene: pictures that are equal byte by byte.
TEST(Verifier, EqualPicturesKeepTheirPlaces) {
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
TEST(Verifier, EqualPicturesOfTwoGopsAreKeptApart) {
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

TEST(Verifier, NothingStandsBetweenTheLastSignedGopAndTheNext) {
  auto take = standard();
  take.erase(take.find('S', 4));  // the last GOP is an unsigned end now
  EXPECT_EQ(verify(take).verdict, Verdict::authentic);
  take.insert(take.picture(12), slice(codec::Codec::h264, 'P', 7000), 'P');
  expect(verify(take), Verdict::not_authentic, "inserted behind the last signed GOP");
}

// Forged GOPs without SEIs in the place of signed ones that were taken out.
TEST(Verifier, ForgedGopsDoNotPassForRemovedOnes) {
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

TEST(Verifier, WithNothingVouchedForATimeCanBeGiven) {
  auto take = record("IPP", camera_one(), options_for(camera_one()));
  for (auto& unit : take.units) unit[unit.size() / 2] ^= 1;
  auto options = trusting(camera_one());
  options.at = recording_begins();
  EXPECT_EQ(verify(take, options).verdict, Verdict::not_authentic);
}

TEST(Verifier, SwappedPicturesAreOutOfPlace) {
  const auto intact = standard();
  auto take = intact;
  take.swap(take.picture(5), take.picture(6));
  const auto report = verify(take);
  expect(report, Verdict::not_authentic, "swapped");
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].status, UnitStatus::out_of_place);
  EXPECT_TRUE(report.findings[0].first_picture == 5 || report.findings[0].first_picture == 6);
}

TEST(Verifier, SwappedGopsAreNotAuthentic) {
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

TEST(Verifier, ARemovedRunOfGopsIsMissing) {
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
TEST(Verifier, PicturesRemovedAcrossAGopBorderAreMissing) {
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
TEST(Verifier, WhatIsLeftBehindALossIsNotCalledAltered) {
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

// Without a list nothing clears the pictures of a GOP whose IDR picture was cut away. If all pictures are
// here that the first SEI of a recording speaks of, nothing was cut.
TEST(Verifier, TheFirstPictureOfARecordingCannotBeHidden) {
  auto options = options_for(camera_one());
  options.low_bitrate = true;
  auto take = record("IPPPIPPPIPPP", camera_one(), options);
  take.units[take.picture(0)][0] = 0x41;  // an IDR slice that says it is none
  expect(verify(take), Verdict::not_authentic, "no IDR picture any more");
}

// A picture that stands behind the SEI about its GOP has not stayed there: what stands between is not its
// fault.
TEST(Verifier, AUnitBehindItsSeiIsMovedOrMissing) {
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

TEST(Verifier, TwoRecordingsAreJoined) {
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

TEST(Verifier, StrippedIsNotSigned) {
  auto take = standard();
  for (auto sei = take.find('S'); sei != SIZE_MAX; sei = take.find('S')) take.erase(sei);
  const auto report = verify(take);
  expect(report, Verdict::not_signed, "stripped");
  EXPECT_EQ(report.provenance, Provenance::unknown);
}

TEST(Verifier, SeisOfAnotherRecordingDoNotHelp) {
  const auto a = standard();
  auto options = options_for(camera_one());
  const auto b = record(kScene, camera_one(), options, 99);
  auto take = a;
  for (std::size_t n = 0; n < 5; ++n) take.units[take.find('S', n)] = b.units[b.find('S', n)];
  expect(verify(take), Verdict::not_authentic, "SEIs of another recording");
}

TEST(Verifier, AnotherCamerasSignatureIsNotThisCamera) {
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

TEST(Verifier, APartSignedAnewIsFound) {
  const auto a = standard();
  auto options = options_for(camera_two());
  const auto b = record(kScene, camera_two(), options);
  auto take = a;
  for (std::size_t n = 3; n < 5; ++n) take.units[take.find('S', n)] = b.units[b.find('S', n)];
  const auto report = verify(take);
  expect(report, Verdict::not_authentic, "signed anew");
  EXPECT_TRUE(has_note(report, NoteKind::signer_changed));
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

TEST(Verifier, TheSignedAnchorClearsTheOthersWhenTheIdrIsBad) {
  auto take = standard();
  take.units[take.picture(4)][20] ^= 1;
  const auto report = verify(take);
  expect(report, Verdict::not_authentic, "IDR altered");
  EXPECT_THAT(findings(report), ElementsAre("altered 4..4 gop 1"));
  EXPECT_EQ(report.pictures_authentic, 15u);
}

TEST(Verifier, WithoutACertificateTheSignerMustBeGiven) {
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

TEST(Verifier, ARotatedKeyOfTheSameCameraIsAccepted) {
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

TEST(Verifier, CertificatesAreJudgedAtRecordingTime) {
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

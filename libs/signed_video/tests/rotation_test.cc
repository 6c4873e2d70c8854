// A camera changes its signing key inside a recording. IP-4.2-2, SP-4.2.7, AX-2.1-2
#include <gtest/gtest.h>

#include "supplement_scene.h"
#include "variants.h"

namespace camvault::signed_video::test {
namespace {

constexpr const char* kLong = "IPPPIPPPIPPPIPPPIPPPIPPP";

// The owner's authority: nothing that the camera's maker knows.
const Maker& owner() {
  static const Maker instance;
  return instance;
}

// `next` takes over from the scene's picture `at` on, as soon as it can.
ClipScene changing_to(const Camera& next, std::size_t at = 5, std::string scene = kLong) {
  ClipScene how;
  how.scene = std::move(scene);
  how.meanwhile = [&next, at](Signer& signer, std::size_t picture) {
    if (picture != at) return;
    EXPECT_TRUE(signer.change_key(next.key, next.chain_pem));
  };
  return how;
}

VerifyOptions trusting_both(const Camera& one, const Camera& two) {
  auto options = trusting(one);
  options.anchors.push_back(two.root);
  return options;
}

// With a certificate of its own time: [begin, end) since the beginning of the recording.
Camera camera_for(const Maker& maker, const std::string& serial, Ticks begin, Ticks end) {
  auto camera = maker.camera(serial);
  crypto_openssl::CertificateProfile profile;
  profile.not_before = recording_begins() + begin;
  profile.not_after = recording_begins() + end;
  camera.leaf = crypto_openssl::issue_certificate(*maker.ca_key, maker.device_ca, named("Camera", serial),
                                                  camera.key->spki_der(), profile, Bytes{7})
                    .value();
  camera.chain_pem = crypto_openssl::certificates_pem({camera.leaf, camera.device_ca});
  return camera;
}

void expect_rotated(const Report& report, SignerPeriod::Vouched by, const std::string& what) {
  expect(report, Verdict::authentic, what.c_str());
  EXPECT_EQ(report.provenance, Provenance::trusted) << what << ": " << report.provenance_reason;
  EXPECT_TRUE(has_note(report, NoteKind::key_changed)) << what;
  EXPECT_FALSE(has_note(report, NoteKind::signer_changed)) << what;
  ASSERT_EQ(report.signers.size(), 2U) << what;
  EXPECT_EQ(report.signers[1].vouched, by) << what;
  ASSERT_TRUE(report.signers[0].last_time && report.signers[1].first_time) << what;
  EXPECT_LE(*report.signers[0].last_time, *report.signers[1].first_time) << what << ": at a border of GOPs";
  EXPECT_NE(report.signers[0].number + report.signers[0].fingerprint,
            report.signers[1].number + report.signers[1].fingerprint);
}

TEST(Rotation, TheOldKeyNamesTheNewOne) {
  const auto next = owner().camera("CAM-0001");
  const auto clip = record_clip(camera_one(), options_for(camera_one()), changing_to(next));
  const auto report = verify_clip(clip, trusting_both(camera_one(), next));
  expect_rotated(report, SignerPeriod::Vouched::former_key, "other authority");
  EXPECT_EQ(report.signers[0].first_gop, 0U);
  EXPECT_EQ(report.signers[1].first_gop, 3U);  // announced with GOP 1, in the stream in GOP 2
  EXPECT_EQ(*report.signers[0].last_time, *report.signers[1].first_time);
  EXPECT_EQ(report.signers[0].number, camera_one().leaf.serial);
  EXPECT_EQ(report.signers[1].number, next.leaf.serial);
  EXPECT_EQ(report.chain.front().der, next.leaf.der);
  // The supplement goes on: each signature has one, and each links to the next picture.
  EXPECT_EQ(report.supplement.supplements, 6U);
  EXPECT_TRUE(has_note(report, NoteKind::complete_to_the_end)) << notes_of(report);
}

TEST(Rotation, InEveryFormOfTheStream) {
  const auto next = owner().camera("CAM-0001", crypto::KeyAlg::ec_p384);
  const auto trust = trusting_both(camera_one(), next);
  const auto check = [&](const SignerOptions& options, const std::string& what) {
    const auto clip = record_clip(camera_one(), options, changing_to(next));
    expect_rotated(verify_clip(clip, trust), SignerPeriod::Vouched::former_key, what);
  };
  auto options = options_for(camera_one());
  options.chain_in_every_sei = false;
  check(options, "chain in the certificate SEI alone");
  options.repeat_seis = true;
  check(options, "SEIs twice");
  options = options_for(camera_one());
  options.certificate_sei = false;
  check(options, "no certificate SEI");
  options.low_bitrate = true;
  check(options, "low bitrate");
  options = options_for(camera_one());
  options.signing_interval = 2;
  check(options, "every second GOP signed");
  options = options_for(camera_one());
  options.max_partial_units = 2;
  check(options, "in parts");
  options = options_for(camera_one());
  options.hash = crypto::HashAlg::sha384;
  check(options, "SHA-384");
}

TEST(Rotation, TheSameIssuerVouchesForBoth) {
  const auto next = maker().camera("CAM-0001");
  auto options = options_for(camera_one());  // record(): without supplements, so that nobody names anybody
  auto signer = Signer::create(engine(), camera_one().key, options).value();
  Take take;
  for (std::uint32_t i = 0; i < 16; ++i) {
    if (i == 6) {
      ASSERT_TRUE(signer.change_key(next.key, next.chain_pem));
    }
    const auto unit = slice(take.codec, i % 4 == 0 ? 'I' : 'P', i);
    const auto seis = signer.add(std::vector<BytesView>{unit}, recording_begins() + i * kFrame).value();
    for (const auto& sei : seis) take.insert(take.units.size(), sei, 'S');
    take.insert(take.units.size(), unit, i % 4 == 0 ? 'I' : 'P');
  }
  const auto last = signer.finish().value();
  for (const auto& sei : last) take.insert(take.units.size(), sei, 'S');
  EXPECT_EQ(signer.counters().keys_changed, 1U);
  const auto report = verify(take, trusting(camera_one()));
  expect_rotated(report, SignerPeriod::Vouched::same_issuer, "same issuer");
}

TEST(Rotation, EachCertificateIsJudgedForItsOwnTime) {
  using std::chrono::hours;
  using std::chrono::seconds;
  // Certificates count seconds: the camera stood still for ten of them after picture 5.
  const auto judged = [](const Camera& old, const Camera& next) {
    auto scene = changing_to(next);
    scene.clock_set_at = 5;
    scene.clock_set_by = seconds(10);
    scene.times = false;
    const auto clip = record_clip(old, options_for(old), scene);
    return verify_clip(clip, trusting_both(old, next));
  };
  // The new one begins within the recording, and the old one begins long before.
  const auto old = camera_for(maker(), "CAM-0001", -hours(1), seconds(30));
  const auto next = camera_for(owner(), "CAM-0001", seconds(5), hours(1));
  auto report = judged(old, next);
  EXPECT_EQ(report.provenance, Provenance::trusted) << report.provenance_reason;
  // Ended before it stopped signing.
  report = judged(camera_for(maker(), "CAM-0001", -hours(1), seconds(5)), next);
  EXPECT_EQ(report.provenance, Provenance::untrusted);
  EXPECT_NE(report.provenance_reason.find("expired"), std::string::npos) << report.provenance_reason;
  // Not yet valid when it began to sign.
  report = judged(old, camera_for(owner(), "CAM-0001", seconds(30), hours(1)));
  EXPECT_EQ(report.provenance, Provenance::untrusted) << report.provenance_reason;
}

TEST(Rotation, WhatIsForgedIsRefused) {
  const auto next = owner().camera("CAM-0001");
  const auto clip = record_clip(camera_one(), options_for(camera_one()), changing_to(next));
  // The owner's authority is not trusted: the camera's word alone makes nobody trusted.
  auto report = verify_clip(clip, trusting(camera_one()));
  EXPECT_EQ(report.provenance, Provenance::untrusted);
  EXPECT_EQ(verify_clip(clip, trusting(next)).provenance, Provenance::untrusted);
  // Another camera is another camera, whoever names it.
  const auto create = [&] {
    return Signer::create(engine(), camera_one().key, options_for(camera_one())).value();
  };
  auto signer = create();
  EXPECT_EQ(signer.change_key(camera_two().key, camera_two().chain_pem).error().code, Errc::usage);
  EXPECT_EQ(signer.change_key(camera_two().key, next.chain_pem).error().code, Errc::usage);
  EXPECT_EQ(signer.change_key(nullptr, next.chain_pem).error().code, Errc::usage);
  EXPECT_EQ(signer.change_key(next.key, "").error().code, Errc::malformed);
  ASSERT_TRUE(signer.change_key(next.key, next.chain_pem));
  EXPECT_EQ(signer.change_key(next.key, next.chain_pem).error().code, Errc::exists);
  auto axis = options_for(camera_one());
  axis.form = SignatureForm::axis;
  auto other = Signer::create(engine(), camera_one().key, axis).value();
  EXPECT_EQ(other.change_key(next.key, next.chain_pem).error().code, Errc::unsupported);
}

// The second half of a recording is signed anew by somebody who holds another key.
TEST(Rotation, SomebodyElseGoesOn) {
  const auto next = owner().camera("CAM-0001");
  const auto thief = owner().camera("CAM-0001");  // even one of the right name, from a trusted authority
  const auto stranger = Maker().camera("CAM-0001");
  const auto good = record_clip(camera_one(), options_for(camera_one()), changing_to(next));
  const auto trust = trusting_both(camera_one(), next);
  expect_rotated(verify_clip(good, trust), SignerPeriod::Vouched::former_key, "good");
  for (const auto* other : {&thief, &stranger, &camera_two()}) {
    // The same pictures and times, by a signer whose rotation brings the other key.
    auto forged = good;
    auto second = record_clip(*other, options_for(*other), changing_to(*other, SIZE_MAX));
    std::size_t from = 0;
    for (std::size_t n = 0; n < 3; ++n) from = good.find('I', n + 1);
    forged.units.resize(from);
    forged.letters.resize(from);
    forged.times.resize(from);
    const auto begin = second.find('I', 3);
    for (auto i = begin; i < second.units.size(); ++i) {
      forged.units.push_back(second.units[i]);
      forged.letters.push_back(second.letters[i]);
      forged.times.push_back(second.times[i]);
    }
    forged.side.clear();
    const auto report = verify_clip(forged, trust);
    EXPECT_EQ(report.verdict, Verdict::not_authentic) << notes_of(report);
    EXPECT_TRUE(has_note(report, NoteKind::signer_changed)) << notes_of(report);
  }
}

// Without supplements a recording that somebody else goes on with is as it was signed; whose it is has to be
// said all the same.
void go_on(Take& take, const Camera& by, std::optional<Timestamp> fixed_time, std::uint32_t pictures = 12) {
  auto options = options_for(by);
  auto signer = Signer::create(engine(), by.key, options).value();
  const auto put = [&](const Bytes& unit, char letter) { take.insert(take.units.size(), unit, letter); };
  for (std::uint32_t i = 0; i < pictures; ++i) {
    const auto unit = slice(take.codec, i % 4 == 0 ? 'I' : 'P', i);
    const auto seis =
        signer.add(std::vector<BytesView>{unit}, fixed_time.value_or(recording_begins() + i * kFrame));
    ASSERT_TRUE(seis) << seis.error().what;
    for (const auto& sei : *seis) put(sei, 'S');
    put(unit, i % 4 == 0 ? 'I' : 'P');
  }
  const auto last = signer.finish().value();
  for (const auto& sei : last) put(sei, 'S');
}

TEST(Rotation, AStrangerWithoutAUsableTimeIsAStranger) {
  const auto stranger = Maker().camera("CAM-0001");
  Take alone;
  go_on(alone, camera_one(), {});
  EXPECT_EQ(verify(alone, trusting(camera_one())).provenance, Provenance::trusted);
  // Of its own time, and of one past all that the field can say: as unsigned ticks from 1601 it has its
  // highest bit set.
  for (const auto& time : {std::optional<Timestamp>(), std::optional<Timestamp>(Timestamp(Ticks::max()))}) {
    Take clip;
    go_on(clip, camera_one(), {});
    go_on(clip, stranger, time);
    const auto report = verify(clip, trusting(camera_one()));
    EXPECT_EQ(report.provenance, Provenance::untrusted) << report.provenance_reason << "\n"
                                                        << notes_of(report);
    EXPECT_TRUE(has_note(report, NoteKind::signer_changed)) << notes_of(report);
    EXPECT_EQ(report.signers.size(), 2U);
    EXPECT_EQ(report.signers.back().first_time.has_value(), !time);
  }
}

// Somebody who hides behind many changes: certificates are in every clip of a camera, and anybody can copy
// them.
TEST(Rotation, MoreChangesThanAreKeptAreNotTrusted) {
  const auto stranger = Maker().camera("CAM-0001");
  for (const int changes : {20, 40}) {
    Take clip;
    for (int i = 0; i < changes; ++i) {
      go_on(clip, camera_one(), {}, 1);
      go_on(clip, camera_two(), {}, 1);
    }
    auto options = trusting(camera_one());
    options.anchors.push_back(camera_two().root);
    const auto report = verify(clip, options);
    EXPECT_EQ(report.provenance, changes == 20 ? Provenance::trusted : Provenance::untrusted)
        << report.provenance_reason;
    go_on(clip, stranger, {});
    EXPECT_EQ(verify(clip, options).provenance, Provenance::untrusted);
  }
}

TEST(Rotation, ACutAtTheChangeIsFound) {
  const auto next = owner().camera("CAM-0001");
  const auto trust = trusting_both(camera_one(), next);
  const auto good = record_clip(camera_one(), options_for(camera_one()), changing_to(next));
  for (std::size_t picture = 8; picture < 17; ++picture) {
    auto clip = good;
    clip.erase(clip.picture(picture));
    const auto report = verify_clip(clip, trust);
    EXPECT_NE(report.verdict, Verdict::authentic) << picture << "\n" << notes_of(report);
    auto changed = good;
    changed.units[changed.picture(picture)][20] ^= 1;
    EXPECT_EQ(verify_clip(changed, trust).verdict, Verdict::not_authentic) << picture;
  }
  // The part before and the part behind it stand for themselves.
  auto before = good;
  before.keep_pictures(0, 12);
  before.side.clear();
  EXPECT_EQ(verify_clip(before, trust).provenance, Provenance::trusted);
  auto behind = good;
  behind.keep_pictures(12, 24);
  behind.side.clear();
  const auto report = verify_clip(behind, trusting(next));
  EXPECT_NE(report.verdict, Verdict::not_signed) << notes_of(report);
}

// Wherever a clip begins in front of the change, and whichever supplement is lost, the word is there.
TEST(Rotation, TheWordIsInEachSupplementBeforeTheChange) {
  const auto next = owner().camera("CAM-0001");
  const auto trust = trusting_both(camera_one(), next);
  const auto good = record_clip(camera_one(), options_for(camera_one()), changing_to(next));
  const auto vouched = [&](const Clip& clip) {
    const auto report = verify_clip(clip, trust);
    EXPECT_TRUE(has_note(report, NoteKind::key_changed)) << notes_of(report);
    EXPECT_FALSE(has_note(report, NoteKind::joined)) << notes_of(report);
    EXPECT_EQ(report.provenance, Provenance::trusted) << report.provenance_reason;
    return report.verdict;
  };
  for (std::size_t begin = 1; begin < 12; ++begin) {
    auto clip = good;
    clip.keep_pictures(begin, 24);
    clip.side.clear();
    EXPECT_EQ(vouched(clip), Verdict::authentic) << begin;
  }
  for (const std::size_t lost : {1u, 2u}) {
    auto clip = good;
    clip.erase(clip.find('A', lost));
    vouched(clip);
  }
}

// The word of the former key counts for the change behind it, and for the certificate that it names.
TEST(Rotation, TheNameIsOfOneCertificate) {
  const auto record = encode_record(NextKeyRecord{});
  EXPECT_EQ(record.size(), 32U);
  EXPECT_TRUE(read_next_key_record(record));
  EXPECT_FALSE(read_next_key_record(BytesView(record).first(31)));
  auto longer = record;
  longer.push_back(0);
  EXPECT_FALSE(read_next_key_record(longer));
  // A caller cannot put one in.
  auto options = options_for(camera_one());
  options.supplement = true;
  auto signer = Signer::create(engine(), camera_one().key, options).value();
  EXPECT_EQ(signer.add_record(RecordType::next_key, record).error().code, Errc::usage);
}

}  // namespace
}  // namespace camvault::signed_video::test

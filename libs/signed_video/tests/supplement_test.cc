// AX-4.1-1 (metadata), AX-4.1-2 (link forward), IP-4.2-4 (sound), IP-4.2-1: nothing in the clip that a reader
// cannot see.
#include "supplement_message.h"
#include "supplement_scene.h"

namespace camvault::signed_video::test {
namespace {

using enum NoteKind;

// A camera whose certificate promises supplements.
const Camera& promising() {
  static const Camera instance = maker().camera("CAM-0003", crypto::KeyAlg::ec_p256, {}, true);
  return instance;
}

Clip recorded(const ClipScene& how = {}) {
  return record_clip(promising(), options_for(promising()), how);
}
Report judged(const Clip& clip) {
  return verify_clip(clip, trusting(promising()));
}
void expect_authentic(const Clip& clip, const std::string& what) {
  const auto report = judged(clip);
  EXPECT_EQ(report.verdict, Verdict::authentic) << what << ": " << notes_of(report);
  EXPECT_FALSE(has_note(report, supplement_removed)) << what;
}
void expect_tampered(const Clip& clip, NoteKind kind, const std::string& what) {
  const auto report = judged(clip);
  EXPECT_EQ(report.verdict, Verdict::not_authentic) << what << ": " << notes_of(report);
  EXPECT_TRUE(has_note(report, kind)) << what << ": " << notes_of(report);
}

TEST(Supplement, CoversAllThatStandsInTheClip) {
  const auto clip = recorded({.metadata = true});
  const auto report = judged(clip);
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_TRUE(report.supplement.promised);
  EXPECT_EQ(report.supplement.gops, 4u);
  EXPECT_EQ(report.supplement.supplements, 4u);
  EXPECT_EQ(report.supplement.parameter_sets, 8u);
  EXPECT_EQ(report.supplement.parameter_sets_covered, 8u);
  EXPECT_EQ(report.supplement.other_units, 4u);
  EXPECT_EQ(report.supplement.other_units_covered, 4u);
  EXPECT_EQ(report.supplement.times_compared, 16u);
  ASSERT_EQ(report.supplement.tracks.size(), 2u);
  EXPECT_EQ(report.supplement.tracks[0].authentic, report.supplement.tracks[0].samples);
  EXPECT_EQ(report.supplement.tracks[1].authentic, 16u);
  EXPECT_TRUE(has_note(report, complete_to_the_end)) << notes_of(report);
  EXPECT_FALSE(has_note(report, not_covered_by_format)) << notes_of(report);
}

TEST(Supplement, EverySignerVariantGivesNoFalseAlarm) {
  const std::vector<std::pair<std::string, std::function<void(SignerOptions&)>>> variants = {
      {"low_bitrate", [](SignerOptions& o) { o.low_bitrate = true; }},
      {"every_third", [](SignerOptions& o) { o.signing_interval = 3; }},
      {"parts", [](SignerOptions& o) { o.max_partial_units = 3; }},
      {"certificate_sei_only", [](SignerOptions& o) { o.chain_in_every_sei = false; }},
      {"no_certificate_sei", [](SignerOptions& o) { o.certificate_sei = false; }},
      {"repeated", [](SignerOptions& o) { o.repeat_seis = true; }},
      {"no_emulation_prevention", [](SignerOptions& o) { o.emulation_prevention = false; }},
      {"sha384", [](SignerOptions& o) { o.hash = crypto::HashAlg::sha384; }},
  };
  for (const auto& [name, set] : variants) {
    auto options = options_for(promising());
    set(options);
    const auto clip = record_clip(promising(), options, {.scene = "IPPPPIPPIPPPPPIPPIPP"});
    for (const std::size_t run : {1u, 7u, 100u}) {
      const auto report = verify_clip(clip, trusting(promising()), run);
      EXPECT_EQ(report.verdict, Verdict::authentic) << name << ": " << notes_of(report);
      EXPECT_EQ(report.supplement.parameter_sets_covered, report.supplement.parameter_sets) << name;
      EXPECT_EQ(report.supplement.times_compared, 20u) << name;
    }
  }
}

TEST(Supplement, AnAlteredParameterSetIsNamed) {
  auto clip = recorded();
  clip.units[clip.find('v', 2)] = parameter_set('s', 9);
  expect_tampered(clip, parameter_sets_altered, "altered in the stream");
  clip = recorded();
  clip.insert(clip.picture(5), parameter_set('p', 9), 'v');
  expect_tampered(clip, parameter_sets_altered, "put in between");
  clip = recorded();
  clip.erase_all('v');
  clip.header = {parameter_set('s', 9), parameter_set('p', 1)};
  expect_tampered(clip, parameter_sets_altered, "in the container's header");
}

TEST(Supplement, ParameterSetsMayMoveIntoTheHeaderOrBeRepeated) {
  auto clip = recorded();
  clip.erase_all('v');
  clip.header = {parameter_set('s', 1), parameter_set('p', 1)};
  expect_authentic(clip, "only in the header");
  clip = recorded();
  clip.insert(clip.picture(5), parameter_set('p', 1), 'v');
  clip.insert(clip.picture(6), parameter_set('s', 1), 'v');
  clip.header = {parameter_set('s', 1), parameter_set('p', 1)};
  expect_authentic(clip, "repeated");
  clip = recorded();
  clip.erase_all('v');
  const auto report = judged(clip);
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_TRUE(has_note(report, parameter_sets_missing)) << notes_of(report);
}

TEST(Supplement, TheHeaderHoldsNoOtherSetThanTheStream) {
  auto clip = recorded();
  clip.header = {parameter_set('s', 1)};  // as the stream has it, and before each IDR again
  expect_authentic(clip, "repeated in the header");
  clip.header = {parameter_set('s', 2)};
  expect_tampered(clip, parameter_sets_altered, "another one under the same number");
  clip.header = {parameter_set('s', 2, 1)};  // no picture names it
  expect_authentic(clip, "a number that is not used");
  for (auto i = clip.find('v'); i < clip.units.size(); ++i)
    if (clip.letters[i] == 'v' && clip.units[i][0] == 0x67) clip.units[i] = parameter_set('s', 1, 1);
  clip.header.clear();
  expect_tampered(clip, parameter_sets_altered, "its number changed");
}

TEST(Supplement, SeisOfTheHeaderMayMoveIntoTheStream) {
  ClipScene how;
  how.header = {other_sei(200)};
  const auto clip = recorded(how);
  expect_authentic(clip, "in the header");
  auto report = judged(clip);
  EXPECT_EQ(report.supplement.other_units, report.supplement.other_units_covered);
  auto moved = clip;
  moved.header.clear();
  for (std::size_t gop = 0; gop < 4; ++gop) moved.insert(moved.find('I', gop), other_sei(200), 'z');
  expect_authentic(moved, "before each IDR picture");
  report = judged(moved);
  EXPECT_EQ(report.supplement.other_units, report.supplement.other_units_covered);
  moved = clip;
  moved.header.clear();
  expect_authentic(moved, "lost");
  auto altered = clip;
  altered.header = {other_sei(201)};
  expect_tampered(altered, units_altered, "altered");
  altered.header.clear();
  altered.insert(altered.find('I', 1), other_sei(201), 'z');
  expect_tampered(altered, units_extra, "altered and moved");
}

TEST(Supplement, OtherSeisAreCovered) {
  auto clip = recorded();
  clip.units[clip.find('z', 1)] = other_sei(99);
  expect_tampered(clip, units_altered, "altered");
  clip = recorded();
  clip.insert(clip.picture(6), other_sei(99), 'z');
  expect_tampered(clip, units_extra, "inserted");
  clip = recorded();
  clip.erase(clip.find('z', 2));
  auto report = judged(clip);
  EXPECT_EQ(report.verdict, Verdict::authentic_with_missing_frames) << notes_of(report);
  EXPECT_TRUE(has_note(report, units_missing));
  // A tool that keeps only what it knows.
  clip = recorded();
  clip.erase_all('z');
  report = judged(clip);
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_TRUE(has_note(report, units_missing));
}

TEST(Supplement, SoundIsCoveredSampleBySample) {
  auto clip = recorded();
  clip.side[10].bytes[9] ^= 1;
  expect_tampered(clip, audio_altered, "one bit");
  const auto report = judged(clip);
  EXPECT_EQ(report.supplement.tracks[0].altered, 1u);
  EXPECT_EQ(report.supplement.tracks[0].authentic, report.supplement.tracks[0].samples - 1);

  clip = recorded();
  std::swap(clip.side[10].bytes, clip.side[20].bytes);
  expect_tampered(clip, audio_moved, "two samples changed places");

  clip = recorded();
  clip.side.insert(clip.side.begin() + 10, clip.side[9]);
  clip.side[10].bytes[3] = 0x77;
  clip.side[10].time += Ticks(1000);
  expect_tampered(clip, audio_extra, "inserted");

  clip = recorded();
  for (auto& s : clip.side) s.bytes[0] ^= 0xff;
  expect_tampered(clip, audio_altered, "all of it replaced");

  // The silence at the end is alike in all recordings.
  std::string scene;
  for (int gop = 0; gop < 10; ++gop) scene += "IPPPPPPPPP";
  clip = recorded({.scene = scene});
  for (std::size_t i = 0; i + 1 < clip.side.size(); ++i) clip.side[i].bytes[9] ^= 0xff;
  expect_tampered(clip, audio_extra, "all but the last sample replaced");

  clip = recorded();
  for (auto& s : clip.side) s.time += std::chrono::milliseconds(200);
  expect_tampered(clip, audio_moved, "moved against the pictures");

  clip = recorded();
  for (std::size_t i = 12; i < clip.side.size(); ++i) clip.side[i].time += std::chrono::milliseconds(3);
  expect_tampered(clip, audio_moved, "late from the middle on");
}

TEST(Supplement, MissingSoundIsMissingNotAltered) {
  auto clip = recorded();
  clip.side.erase(clip.side.begin() + 10, clip.side.begin() + 14);
  auto report = judged(clip);
  EXPECT_EQ(report.verdict, Verdict::authentic_with_missing_frames) << notes_of(report);
  ASSERT_TRUE(has_note(report, audio_missing));
  EXPECT_EQ(report.supplement.tracks[0].missing, 4u);
  EXPECT_EQ(report.supplement.tracks[0].altered, 0u);

  // The gap closed: what comes behind it plays earlier.
  clip = recorded();
  clip.side.erase(clip.side.begin() + 10, clip.side.begin() + 13);
  for (std::size_t i = 10; i < clip.side.size(); ++i) clip.side[i].time -= 3 * kSoundFrame;
  report = judged(clip);
  EXPECT_NE(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_TRUE(has_note(report, audio_missing)) << notes_of(report);

  clip = recorded();
  clip.side.clear();
  report = judged(clip);
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_TRUE(has_note(report, audio_missing)) << notes_of(report);
}

TEST(Supplement, SilenceIsNoReasonForAlarm) {
  auto clip = recorded();
  // The same as recorded, but with every sample alike.
  Clip silent;
  {
    auto signer = Signer::create(engine(), promising().key, [] {
      auto o = options_for(promising());
      o.supplement = true;
      return o;
    }());
    ASSERT_TRUE(signer);
    silent.codec = codec::Codec::h264;
    const Bytes quiet(8, 0x21);
    for (std::uint32_t i = 0; i < 200; ++i) {
      const auto time = static_cast<std::int64_t>(i) * kFrame;
      ASSERT_TRUE(signer->add_side({SideKind::audio, 1, quiet, time, 0}));
      silent.side.push_back({silent.units.size(), SideKind::audio, 1, quiet, time});
      const auto unit = slice(codec::Codec::h264, i % 10 == 0 ? 'I' : 'P', i);
      const std::vector<BytesView> views{unit};
      const auto seis = must(signer->add(views, recording_begins() + time, time));
      for (const auto& sei : seis) {
        silent.units.push_back(sei);
        silent.letters.push_back('S');
        silent.times.push_back(time);
      }
      silent.units.push_back(unit);
      silent.letters.push_back(i % 10 == 0 ? 'I' : 'P');
      silent.times.push_back(time);
    }
  }
  expect_authentic(silent, "whole");
  auto cut = silent;
  cut.keep_pictures(40, 160);
  expect_authentic(cut, "cut");
}

TEST(Supplement, TimesAreComparedToWithinRounding) {
  auto clip = recorded();
  for (auto& t : clip.times) *t += std::chrono::hours(3);
  for (auto& s : clip.side) s.time += std::chrono::hours(3);
  expect_authentic(clip, "another zero");
  for (std::size_t i = 0; i < clip.times.size(); ++i)
    *clip.times[i] += std::chrono::microseconds(static_cast<int>(i * 337 % 1000) - 500);
  for (std::size_t i = 0; i < clip.side.size(); ++i)
    clip.side[i].time += std::chrono::microseconds(static_cast<int>(i * 211 % 1000) - 500);
  expect_authentic(clip, "rounded to 1 ms");

  clip = recorded();
  for (auto& t : clip.times) *t = *t * 2;
  expect_tampered(clip, times_altered, "half as fast");
  clip = recorded();
  for (std::size_t i = clip.picture(9); i < clip.times.size(); ++i)
    *clip.times[i] += std::chrono::milliseconds(5);
  expect_tampered(clip, times_altered, "a step of 5 ms");
  clip = recorded();
  for (auto& t : clip.times) t.reset();
  expect_authentic(clip, "no times, as in a raw stream");
}

// ECDSA: who verifies (r, s) verifies (r, n - s) as well. Of P-256, in DER.
Bytes with_other_signature_value(BytesView unit) {
  static constexpr std::string_view kOrder =
      "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  const auto order = from_hex(kOrder).value();
  auto supplement = read_supplement(codec::Codec::h264, unit).value();
  const auto& der = supplement.signature;
  const std::size_t s_at = 4u + der[3];  // 30 size 02 size r 02 size s
  const auto s = BytesView(der).subspan(s_at + 2);
  Bytes padded(33);
  std::copy(s.begin(), s.end(), padded.end() - static_cast<std::ptrdiff_t>(s.size()));
  Bytes other(33);
  int borrow = 0;
  for (std::size_t i = 33; i-- > 1;) {
    const int digit = order[i - 1] - padded[i] - borrow;
    borrow = digit < 0 ? 1 : 0;
    other[i] = static_cast<std::uint8_t>(digit);
  }
  auto begin = other.begin();
  while (*begin == 0 && (begin[1] & 0x80) == 0) ++begin;
  Bytes value(der.begin(), der.begin() + static_cast<std::ptrdiff_t>(s_at) + 1);
  value.push_back(static_cast<std::uint8_t>(other.end() - begin));
  value.insert(value.end(), begin, other.end());
  value[1] = static_cast<std::uint8_t>(value.size() - 2);
  const auto body = BytesView(supplement.document).subspan(kSupplementDomain.size());
  return supplement_unit(codec::Codec::h264, false, body, value).value();
}

// Supplements are in every clip of a camera. One of another recording says nothing here: it must not be what
// hides a jump in time, whether as it was or with its signature value written in another way.
TEST(Supplement, OneOfAnotherPlaceHidesNoJump) {
  const auto clip = recorded();
  ClipScene elsewhere;
  elsewhere.salt = 9;
  const auto other = recorded(elsewhere);
  for (const bool foreign : {true, false}) {
    for (const std::size_t behind : {0u, 2u}) {  // the supplement and its SEI
      auto jump = clip;
      const auto at = jump.find('A', 1);
      auto unit = foreign ? other.units[other.find('A')] : with_other_signature_value(jump.units[at]);
      ASSERT_NE(unit, jump.units[at]);
      jump.side.clear();
      jump.insert(at + behind, std::move(unit), 'A');
      expect_authentic(jump, "one too many");
      for (const std::size_t first : {4u, 8u}) {
        auto later = jump;
        for (auto i = later.picture(first); i < later.units.size(); ++i)
          *later.times[i] += std::chrono::seconds(10);
        expect_tampered(later, times_altered, foreign ? "of another recording" : "in other bytes");
      }
    }
  }
}

TEST(Supplement, CutsStayAuthentic) {
  const std::vector<std::pair<int, int>> cuts = {{4, 12}, {0, 9}, {5, 16}, {8, 16}, {4, 10}, {6, 11}};
  for (const auto& [first, last] : cuts) {
    auto clip = recorded({.scene = "IPPPIPPPIPPPIPPPIPPP"});
    clip.keep_pictures(static_cast<std::size_t>(first), static_cast<std::size_t>(last));
    const auto report = judged(clip);
    EXPECT_EQ(report.verdict, Verdict::authentic) << first << ".." << last << " " << notes_of(report);
    EXPECT_FALSE(has_note(report, complete_to_the_end));
  }
}

TEST(Supplement, APictureRemovedIsMissingAndNothingElseIsBlamed) {
  for (std::size_t n = 1; n < 15; ++n) {
    auto clip = recorded();
    clip.erase(clip.picture(n));
    const auto report = judged(clip);
    EXPECT_EQ(report.verdict, Verdict::authentic_with_missing_frames) << n << " " << notes_of(report);
    EXPECT_FALSE(has_note(report, parameter_sets_altered)) << n;
    EXPECT_FALSE(has_note(report, units_altered)) << n << notes_of(report);
    EXPECT_FALSE(has_note(report, times_altered)) << n;
  }
}

TEST(Supplement, TakingItAwayIsFound) {
  auto clip = recorded();
  clip.erase_all('A');
  expect_tampered(clip, supplement_removed, "all");
  clip = recorded();
  clip.erase(clip.find('A', 1));
  expect_tampered(clip, supplement_removed, "one");
  clip = recorded();
  clip.keep_pictures(4, 10);
  clip.erase_all('A');
  expect_tampered(clip, supplement_removed, "of a short clip");

  // Without a promise in the certificate only a part that is gone can be seen.
  auto quiet = record_clip(camera_one(), options_for(camera_one()));
  quiet.erase(quiet.find('A', 1));
  auto report = verify_clip(quiet);
  EXPECT_EQ(report.verdict, Verdict::not_authentic) << notes_of(report);
  quiet.erase_all('A');
  report = verify_clip(quiet);
  EXPECT_EQ(report.verdict, Verdict::authentic);
  EXPECT_FALSE(report.supplement.promised);
  EXPECT_TRUE(has_note(report, not_covered_by_format)) << notes_of(report);
}

TEST(Supplement, APromiseIsKept) {
  const auto take = record("IPPIPP", promising(), options_for(promising()));
  const auto report = verify(take, trusting(promising()));
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_EQ(report.supplement.supplements, 2u);
}

TEST(Supplement, AChangedOrForeignOneIsInvalid) {
  auto clip = recorded();
  auto& unit = clip.units[clip.find('A', 1)];
  unit[unit.size() / 2] ^= 0x10;
  expect_tampered(clip, supplement_invalid, "a bit");
  clip = recorded();
  const auto other = record_clip(camera_two(), options_for(camera_two()));
  clip.units[clip.find('A', 1)] = other.units[other.find('A', 1)];
  expect_tampered(clip, supplement_invalid, "of another camera");
  // Of the same camera, but of another recording: signed, and about other video.
  clip = recorded();
  const auto again = recorded({.salt = 5});
  clip.units[clip.find('A', 1)] = again.units[again.find('A', 1)];
  expect_tampered(clip, supplement_removed, "of another recording");
  // All of them, of a camera that does not announce them: it is seen to write them.
  for (const std::string frames : {"IPPPIPPPIPPP", "IPPP"}) {
    clip = record_clip(camera_one(), options_for(camera_one()), {.scene = frames, .salt = 1});
    const auto instead = record_clip(camera_one(), options_for(camera_one()), {.scene = frames, .salt = 5});
    EXPECT_EQ(verify_clip(clip).verdict, Verdict::authentic) << frames;
    for (std::size_t n = 0; n < clip.units.size(); ++n) {
      if (clip.letters[n] == 'A') clip.units[n] = instead.units[n];
    }
    const auto report = verify_clip(clip);
    EXPECT_EQ(report.verdict, Verdict::not_authentic) << frames;
    EXPECT_TRUE(has_note(report, supplement_removed)) << notes_of(report);
  }
}

TEST(Supplement, AnSeiThatComesLateKeepsItsOwn) {
  auto clip = recorded();
  const auto first = clip.find('A', 0);
  const auto second = clip.find('A', 1);
  auto sei = clip.units[first + 1];
  clip.insert(second + 1, std::move(sei), clip.letters[first + 1]);
  clip.erase(first + 1);
  expect_authentic(clip, "behind the next one's supplement");
}

TEST(Supplement, TheLinkForwardKnowsTheNextPicture) {
  const auto tail = recorded({.finish = false});
  expect_authentic(tail, "the last GOP waits for its signature");
  auto clip = tail;
  const auto last = clip.picture(12);
  ASSERT_EQ(clip.letters[last], 'I');
  clip.units[last][20] ^= 1;
  auto report = judged(clip);
  EXPECT_NE(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_TRUE(has_note(report, next_picture_differs)) << notes_of(report);

  clip = recorded();
  clip.keep_pictures(0, 12);
  report = judged(clip);
  clip = recorded();
  clip.insert(clip.units.size(), slice(codec::Codec::h264, 'I', 4711), 'I');
  expect_tampered(clip, pictures_behind_end, "behind the signed end");
  EXPECT_EQ(judged(clip).pictures_extra, 1u);  // and not an end that waits for its signature
}

TEST(Supplement, RecordsOfOthersTravelWithIt) {
  auto options = options_for(promising());
  Bytes signature;
  options.on_signature = [&](const GopSignature& s) { signature = to_bytes(s.signature); };
  bool stamped = false;
  const auto clip =
      record_clip(promising(), options, {.meanwhile = [&](Signer& signer, std::size_t picture) {
                    if (picture == 0) {
                      const auto record = encode_record(AttestationRecord{"software", {1, 2, 3}, {9, 9, 9}});
                      ASSERT_TRUE(record);
                      EXPECT_TRUE(signer.add_record(RecordType::attestation, *record));
                      EXPECT_FALSE(signer.add_record(RecordType::gop, {1}));
                      EXPECT_FALSE(signer.add_record(RecordType::time_stamp, Bytes(kMaxRecordSize + 1)));
                    }
                    if (!stamped && !signature.empty()) {
                      stamped = true;
                      TimeStampRecord record;
                      const auto digest = engine().digest(crypto::HashAlg::sha256, signature);
                      std::copy_n(digest.bytes.begin(), 32, record.signature_sha256.begin());
                      record.token = {0x30, 0x00};
                      EXPECT_TRUE(signer.add_record(RecordType::time_stamp, encode_record(record).value()));
                    }
                  }});
  const auto report = judged(clip);
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  ASSERT_EQ(report.records.size(), 2u);
  const auto attestation = read_attestation_record(report.records[0].value);
  ASSERT_TRUE(attestation);
  EXPECT_EQ(attestation->backend, "software");
  EXPECT_EQ(attestation->evidence, (Bytes{9, 9, 9}));
  ASSERT_TRUE(report.records[1].stamped);
  EXPECT_EQ(report.records[1].stamped->counter, 1000u);
  EXPECT_EQ(report.records[1].stamped->start, recording_begins());
}

TEST(Supplement, ASlowOrFailingKeyKeepsEverythingCovered) {
  auto options = options_for(promising());
  options.wait_for_key = false;
  crypto_openssl::LocalKeyOptions slow;
  slow.delay = std::chrono::milliseconds(30);
  slow.workers = 1;
  const auto camera = maker().camera("CAM-0004", crypto::KeyAlg::ec_p256, slow, true);
  options.chain_pem = camera.chain_pem;
  std::string scene;
  for (int i = 0; i < 60; ++i) scene += "IPP";
  const auto clip = record_clip(camera, options, {.scene = scene});
  const auto report = verify_clip(clip, trusting(camera));
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_GT(report.seis_unsigned, 0u);
  EXPECT_EQ(report.supplement.times_compared, 180u);
  EXPECT_EQ(report.supplement.parameter_sets_covered, 120u);
}

}  // namespace
}  // namespace camvault::signed_video::test

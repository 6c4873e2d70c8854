// AX-4.1-1, AX-4.1-2: Axis Signed Video in its current and its legacy form, and who signed it. The legacy
// form is written here, for tests alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "axis/attestation.h"
#include "axis/message.h"
#include "axis/pem.h"
#include "camvault/base/byte_writer.h"
#include "camvault/codec/emulation.h"
#include "camvault/crypto_openssl/ocsp_answer.h"
#include "disguised_slice.h"
#include "scene.h"

namespace camvault::signed_video::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SignerOptions axis_options(codec::Codec codec = codec::Codec::h264) {
  auto options = options_for(camera_one(), codec);
  options.form = SignatureForm::axis;
  return options;
}

Take axis_take(const std::string& scene = "IPPPIPPPIPPP", codec::Codec codec = codec::Codec::h264) {
  return record(scene, camera_one(), axis_options(codec));
}

TEST(Axis, ReportSaysTheForm) {
  EXPECT_EQ(verify(axis_take()).format, "Axis Signed Video");
  const auto report = verify(axis_take());
  EXPECT_EQ(report.provenance, Provenance::trusted) << report.provenance_reason;
  EXPECT_EQ(report.signer->serial, "CAM-0001");
  EXPECT_EQ(report.signer->vendor_manufacturer, "Maker");
  EXPECT_EQ(report.first_time, recording_begins());
  EXPECT_EQ(report.last_time, recording_begins() + 12 * kFrame);
}

// Frame header and tile groups are one picture: whatever happens to a piece, the picture is altered.
TEST(Axis, Av1FramesInPieces) {
  const auto intact =
      record("IiiPppPppIiiPppPppIiiPpp", camera_one(), options_for(camera_one(), codec::Codec::av1));
  const auto report = verify(intact);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.pictures, 8u);
  EXPECT_THAT(findings(report), IsEmpty());
  for (const std::size_t run : {1u, 2u, 256u})
    EXPECT_EQ(verify(intact, trusting(camera_one()), run).pictures_authentic, 8u);
  for (const char letter : {'P', 'p'}) {
    for (std::size_t n = 0; n < 3; ++n) {
      auto altered = intact;
      altered.units[altered.find(letter, n)][20] ^= 1;
      EXPECT_EQ(verify(altered).verdict, Verdict::not_authentic);
      EXPECT_EQ(verify(altered).pictures_altered, 1u);
      auto dropped = intact;
      dropped.erase(dropped.find(letter, n));
      EXPECT_EQ(verify(dropped).verdict, Verdict::not_authentic) << letter << n;
    }
  }
  auto moved = intact;
  moved.swap(moved.find('p', 0), moved.find('p', 1));
  EXPECT_EQ(verify(moved).verdict, Verdict::not_authentic);
}

// All metadata is hashed: a picture's HDR or other data cannot be changed behind the signature's back.
TEST(Axis, Av1MetadataIsCovered) {
  const auto intact = record("MIPMPMIPMPIP", camera_one(), options_for(camera_one(), codec::Codec::av1));
  const auto report = verify(intact);
  EXPECT_EQ(report.verdict, Verdict::authentic)
      << report.verdict_reason << testing::PrintToString(findings(report));
  EXPECT_EQ(report.pictures, 8u);
  EXPECT_EQ(report.pictures_authentic, 8u);
  for (std::size_t n = 0; n < 4; ++n) {
    auto altered = intact;
    altered.units[altered.find('M', n)][20] ^= 1;
    EXPECT_EQ(verify(altered).verdict, Verdict::not_authentic) << n;
    auto dropped = intact;
    dropped.erase(dropped.find('M', n));
    // The first one stands before the first picture: without it the beginning is missing.
    EXPECT_EQ(verify(dropped).verdict == Verdict::authentic, n == 0) << n;
    EXPECT_EQ(has_note(verify(dropped), NoteKind::beginning_missing), n == 0) << n;
  }
}

// Types that Axis' framework never hashes are not covered, and that is said.
// Some decoders take a redundant frame header for a frame of its own where there is no other to copy.
TEST(Axis, Av1FrameHeadersThatCopyNone) {
  auto take = axis_take("IPPPIPPPIPPP", codec::Codec::av1);
  take.insert(take.picture(6), obu(7, {0x88}), 'z');  // show_existing_frame
  const auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::not_authentic);
  EXPECT_TRUE(has_note(report, NoteKind::units_extra));
  DisguisedSlices units(engine(), codec::Codec::av1);
  EXPECT_TRUE(units.hides_another(obu(7, {0x30, 0x11})));
  units.add_frame_header(obu(3, {0x30, 0x11}));
  EXPECT_FALSE(units.hides_another(obu(7, {0x30, 0x11})));
  EXPECT_TRUE(units.hides_another(obu(7, {0x30, 0x12})));
  units.add_frame_header(obu(3, {0x88}));
  EXPECT_TRUE(units.hides_another(obu(7, {0x88})));
  EXPECT_FALSE(units.hides_another(obu(15, {0x88})));
}

TEST(Axis, TypesThatAreNotHashed) {
  const auto intact = axis_take("ITPTPTITPTPT", codec::Codec::h265);
  const auto report = verify(intact);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.pictures_not_covered, 6u);
  EXPECT_TRUE(has_note(report, NoteKind::types_not_hashed));
}

TEST(Axis, WithoutAnchorsNobodyVouches) {
  auto report = verify(axis_take(), {});
  EXPECT_EQ(report.verdict, Verdict::authentic);
  EXPECT_EQ(report.provenance, Provenance::unknown);
  EXPECT_EQ(report.signer->serial, "");
  static const Maker other;
  VerifyOptions wrong;
  wrong.anchors = {other.root};
  report = verify(axis_take(), wrong);
  EXPECT_EQ(report.provenance, Provenance::untrusted);
  EXPECT_EQ(report.signer->serial, "");
  auto late = trusting(camera_one());
  late.at = recording_begins() + std::chrono::hours(24 * 400);
  EXPECT_EQ(verify(axis_take(), late).provenance, Provenance::untrusted);
}

TEST(Axis, ARevokedCertificateIsNotTrusted) {
  const auto& made = maker();
  crypto_openssl::RevocationContent list;
  list.this_update = recording_begins() - std::chrono::hours(1);
  list.next_update = recording_begins() + std::chrono::hours(24);
  list.revoked = {{camera_one().leaf.serial, list.this_update, crypto_openssl::RevocationReason::superseded}};
  crypto_openssl::OcspContent answer;
  answer.this_update = list.this_update;
  answer.next_update = list.next_update;
  answer.answers.push_back(
      {crypto_openssl::ocsp_question(made.device_ca, from_hex(camera_one().leaf.serial).value()).value(),
       crypto_openssl::OcspAnswer::State::revoked, list.this_update,
       crypto_openssl::RevocationReason::superseded});
  auto by_list = trusting(camera_one());
  by_list.crls = {crypto_openssl::issue_revocation_list(*made.ca_key, made.device_ca, list).value()};
  auto by_answer = trusting(camera_one());
  const auto der = crypto_openssl::issue_ocsp_response(*made.ca_key, made.device_ca, answer).value();
  by_answer.ocsp = {engine().ocsp_from_der(der).value()};
  for (const auto& options : {by_list, by_answer}) {
    const auto report = verify(axis_take(), options);
    EXPECT_EQ(report.provenance, Provenance::untrusted) << report.provenance_reason;
    EXPECT_TRUE(report.revoked);
  }
}

TEST(Axis, AnotherKeyIsAnotherSigner) {
  auto take = axis_take();
  const auto other = record(
      "IPPPIPPP", camera_two(),
      [] {
        auto options = options_for(camera_two());
        options.form = SignatureForm::axis;
        options.first_counter = 1003;
        return options;
      }(),
      7, recording_begins() + 12 * kFrame);
  for (std::size_t i = 0; i < other.units.size(); ++i)
    take.insert(take.units.size(), other.units[i], other.letters[i]);
  const auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::not_authentic);
  EXPECT_TRUE(has_note(report, NoteKind::signer_changed));
  EXPECT_TRUE(has_note(report, NoteKind::joined));
}

TEST(Axis, PinnedKeys) {
  VerifyOptions options;
  options.expected_signer = camera_one().leaf;
  EXPECT_EQ(verify(axis_take(), options).provenance, Provenance::trusted);
  options.expected_signer = camera_two().leaf;
  EXPECT_EQ(verify(axis_take(), options).verdict, Verdict::not_authentic);
  VerifyOptions serial = trusting(camera_one());
  serial.expected_serial = "CAM-0001";
  EXPECT_EQ(verify(axis_take(), serial).verdict, Verdict::authentic);
  serial.expected_serial = "CAM-0002";
  EXPECT_EQ(verify(axis_take(), serial).verdict, Verdict::not_authentic);
}

// ONVIF's and Axis' signatures in one clip: two recordings.
TEST(Axis, TwoFormsInOneClipAreJoined) {
  auto take = axis_take();
  const auto other = record("IPPPIPPP", camera_one(), options_for(camera_one()), 9);
  for (std::size_t i = 0; i < other.units.size(); ++i)
    take.insert(take.units.size(), other.units[i], other.letters[i]);
  const auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::not_authentic);
  EXPECT_TRUE(has_note(report, NoteKind::joined));
}

// More than 65,535 units in one GOP: the count wraps, the GOP hash does not.
TEST(Axis, CountsWrap) {
  auto options = axis_options();
  options.low_bitrate = true;
  options.max_partial_units = 100'000;
  options.max_partial_time = std::chrono::hours(10);
  const auto take = record("I" + std::string(65'600, 'P') + "IP", camera_one(), options);
  const auto report = verify(take, trusting(camera_one()), 256);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.pictures_authentic, 65'603u);
}

// Legacy. `scene` as in record(); each SEI stands before the picture that closes its GOP.

crypto::Digest pair_of(const crypto::Digest& a, const crypto::Digest& b) {
  Bytes both = to_bytes(a.view());
  append(both, b.view());
  return engine().digest(crypto::HashAlg::sha256, both);
}

Bytes legacy_message(const Camera& camera, const std::vector<crypto::Digest>& entries, std::uint32_t counter,
                     bool with_list, Timestamp time) {
  ByteWriter fields;
  fields.u8(1);  // General, version 2
  fields.u8(1 + 4 + 2 + 3 + 1 + 8);
  fields.u8(2);
  fields.u32(counter);
  fields.u16(static_cast<std::uint16_t>(entries.size()));
  fields.raw(Bytes{1, 0, 0});
  fields.u8(1);
  fields.u64(static_cast<std::uint64_t>(time.time_since_epoch().count() / 10));
  const auto pem = axis::public_key_pem(camera.key->spki_der());
  fields.u8(2);  // public key, version 1 with the algorithm
  fields.u16(static_cast<std::uint16_t>(2 + pem.size() + 1));
  fields.u8(1);
  fields.u8(0);
  fields.raw(as_bytes(pem));
  fields.u8(0);
  if (with_list) {
    fields.u8(4);
    fields.u16(static_cast<std::uint16_t>(1 + 32 * entries.size()));
    fields.u8(1);
    for (const auto& entry : entries) fields.raw(entry.view());
  }
  const auto body = fields.take();
  constexpr std::size_t kRoom = 72;
  ByteWriter plain;
  plain.raw(sei_head(codec::Codec::h264, false, 16 + 1 + body.size() + 3 + 5 + kRoom));
  plain.raw(axis::kUuid);
  plain.u8(0x00);
  plain.raw(body);
  const auto document = engine().digest(crypto::HashAlg::sha256, plain.view());
  auto signed_digest = document;
  if (!with_list) {
    signed_digest = engine().digest(crypto::HashAlg::sha256, Bytes{1});
    for (const auto& entry : entries) signed_digest = pair_of(signed_digest, entry);
    signed_digest = pair_of(signed_digest, document);
  }
  const auto signature =
      camera.key->sign(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, signed_digest).value();
  plain.u8(5);
  plain.u16(static_cast<std::uint16_t>(5 + kRoom));
  plain.u8(1);
  plain.u8(0);
  plain.u8(with_list ? 1 : 0);
  plain.u16(static_cast<std::uint16_t>(signature.size()));
  plain.raw(signature);
  plain.fill(kRoom - signature.size(), 1);
  plain.u8(0x80);
  return codec::escape(plain.view());
}

Take legacy_take(const std::string& scene, bool with_list, bool end_of_stream = false, std::uint32_t salt = 0,
                 std::uint32_t counter = 0) {
  Take take;
  std::vector<crypto::Digest> entries;
  std::optional<crypto::Digest> reference;
  std::uint32_t number = 0;
  for (const char letter : scene) {
    const auto unit = slice(codec::Codec::h264, letter, number++, salt);
    const auto raw = engine().digest(crypto::HashAlg::sha256, codec::without_trailing_zeros(unit));
    entries.push_back(reference ? pair_of(*reference, raw) : raw);
    if (letter == 'I') {
      take.insert(
          take.units.size(),
          legacy_message(camera_one(), entries, counter++, with_list, recording_begins() + number * kFrame),
          'S');
      reference = raw;
      entries = {raw};
    }
    take.insert(take.units.size(), unit, letter);
  }
  if (end_of_stream)
    take.insert(
        take.units.size(),
        legacy_message(camera_one(), entries, counter, with_list, recording_begins() + number * kFrame), 'S');
  return take;
}

class Legacy : public testing::TestWithParam<bool> {};

TEST_P(Legacy, IntactIsAuthentic) {
  const auto take = legacy_take("IPPPIPPPIPPPIPP", GetParam());
  for (const std::size_t run : {1u, 3u, 256u}) {
    const auto report = verify(take, {}, run);
    EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
    EXPECT_EQ(report.format, "Axis Signed Video (legacy)");
    EXPECT_EQ(report.provenance, Provenance::unknown);
    // The last I is signed with the GOP before it.
    EXPECT_EQ(report.pictures_authentic, 13u);
    EXPECT_THAT(findings(report), ElementsAre("not_covered 13..14 gop 3"));
  }
}

TEST_P(Legacy, EndOfStreamCoversTheLastGop) {
  const auto report = verify(legacy_take("IPPPIPPPIPP", GetParam(), true), {});
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.pictures_authentic, 11u);
  EXPECT_THAT(findings(report), IsEmpty());
}

TEST_P(Legacy, EveryAlteredPictureIsFound) {
  const auto intact = legacy_take("IPPPIPPPIPPPIPP", GetParam());
  for (std::size_t picture = 0; picture < 13; ++picture) {
    auto take = intact;
    take.units[take.picture(picture)][12] ^= 4;
    const auto report = verify(take, {});
    EXPECT_EQ(report.verdict, Verdict::not_authentic) << picture << report.verdict_reason;
    if (!GetParam()) continue;
    const auto name = std::to_string(picture);
    const auto all = findings(report);
    EXPECT_TRUE(!all.empty() && all.front().starts_with("altered " + name + ".." + name))
        << picture << testing::PrintToString(all);
  }
}

TEST_P(Legacy, EveryDroppedPictureIsFound) {
  const auto intact = legacy_take("IPPPIPPPIPPPIPP", GetParam());
  for (std::size_t picture = 1; picture < 12; ++picture) {
    auto take = intact;
    take.erase(take.picture(picture));
    const auto report = verify(take, {});
    EXPECT_NE(report.verdict, Verdict::authentic) << picture << testing::PrintToString(findings(report));
  }
}

TEST_P(Legacy, EveryAlteredSeiIsFound) {
  const auto intact = legacy_take("IPPPIPPPIPPPIPP", GetParam());
  for (std::size_t n = 1; n < 4; ++n) {
    auto take = intact;
    take.units[take.find('S', n)][45] ^= 4;
    EXPECT_EQ(verify(take, {}).verdict, Verdict::not_authentic) << n;
  }
}

TEST_P(Legacy, OrderIsProved) {
  const auto intact = legacy_take("IPPPIPPPIPPPIPPPIPPPIP", GetParam());
  // GOPs 1 and 2 with their SEIs change places.
  auto swapped = intact;
  const auto gop1 = swapped.picture(4) - 1;
  const auto gop2 = swapped.picture(8) - 1;
  const auto gop3 = swapped.picture(12) - 1;
  std::rotate(swapped.units.begin() + static_cast<std::ptrdiff_t>(gop1),
              swapped.units.begin() + static_cast<std::ptrdiff_t>(gop2),
              swapped.units.begin() + static_cast<std::ptrdiff_t>(gop3));
  std::rotate(swapped.letters.begin() + static_cast<std::ptrdiff_t>(gop1),
              swapped.letters.begin() + static_cast<std::ptrdiff_t>(gop2),
              swapped.letters.begin() + static_cast<std::ptrdiff_t>(gop3));
  EXPECT_EQ(verify(swapped, {}).verdict, Verdict::not_authentic);
  // A GOP is gone.
  auto removed = intact;
  removed.erase(gop1, gop2);
  EXPECT_NE(verify(removed, {}).verdict, Verdict::authentic);
  // A clip may begin and end anywhere.
  auto cut = intact;
  cut.erase(0, cut.picture(4) - 1);
  const auto report = verify(cut, {});
  EXPECT_EQ(report.verdict, Verdict::authentic)
      << report.verdict_reason << testing::PrintToString(findings(report));
  EXPECT_TRUE(has_note(report, NoteKind::beginning_missing));
}

TEST_P(Legacy, LateSeis) {
  auto take = legacy_take("IPPPIPPPIPPPIPPPIPPP", GetParam());
  // Each SEI three pictures later.
  for (std::size_t n = 0; n < 5; ++n) {
    const auto at = take.find('S', n);
    auto unit = take.units[at];
    take.erase(at);
    take.insert(std::min(at + 3, take.units.size()), std::move(unit), 'S');
  }
  const auto report = verify(take, {});
  EXPECT_EQ(report.verdict, Verdict::authentic)
      << report.verdict_reason << testing::PrintToString(findings(report));
  EXPECT_EQ(report.pictures_authentic, 17u);
}

INSTANTIATE_TEST_SUITE_P(Both, Legacy, testing::Bool(),
                         [](const auto& which) { return which.param ? "WithList" : "GopSignature"; });

// Messages: for each accepted form a refused neighbour.

TEST(AxisMessage, RefusesWhatBreaksTheForm) {
  const auto take = axis_take("IPPPIP", codec::Codec::av1);
  const auto unit = take.units[take.find('S', 1)];
  ASSERT_TRUE(axis::is_message(codec::Codec::av1, unit));
  const auto read = axis::read_message(codec::Codec::av1, unit);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->general->unit_count, 4u);
  EXPECT_EQ(read->list_size(), 4u);
  for (std::size_t size = 0; size < unit.size(); ++size) {
    const auto part = BytesView(unit).first(size);
    if (axis::is_message(codec::Codec::av1, part)) {
      EXPECT_FALSE(axis::read_message(codec::Codec::av1, part)) << size;
    }
  }
  auto longer = unit;
  longer.push_back(0x80);
  EXPECT_FALSE(axis::read_message(codec::Codec::av1, longer));
  // Every length field a byte longer and shorter.
  for (std::size_t i = 3; i < unit.size(); ++i) {
    for (const int change : {-1, 1}) {
      auto changed = unit;
      changed[i] = static_cast<std::uint8_t>(changed[i] + change);
      if (axis::is_message(codec::Codec::av1, changed)) (void)axis::read_message(codec::Codec::av1, changed);
    }
  }
}

// No signature speaks about these bytes: who could alter them unseen would have altered a signed message.
TEST(AxisMessage, TheFieldOfTheSignatureSaysOneThingOnly) {
  const auto take = axis_take("IPPPIP", codec::Codec::av1);
  auto unit = take.units[take.find('S', 1)];
  // Tag 5, size (2 bytes), version 2, trouble, size of the signature (2 bytes), signature: the last field.
  auto field = unit.end();
  for (auto at = unit.begin(); at + 7 < unit.end(); ++at) {
    const auto behind = static_cast<std::size_t>(unit.end() - at) - 3;
    if (at[0] == 5 && at[1] == 0 && at[2] + 1U == behind && at[3] == 2 && at[4] == 0) field = at;
  }
  ASSERT_NE(field, unit.end());
  EXPECT_TRUE(axis::read_message(codec::Codec::av1, unit));
  field[4] = 0x20;
  const auto trouble = axis::read_message(codec::Codec::av1, unit);
  ASSERT_FALSE(trouble);
  EXPECT_EQ(trouble.error().code, Errc::unsupported);
  field[4] = 0;
  // A signature that is two bytes shorter leaves room for more filling.
  const auto signature_end = field + 7 + field[6];
  field[6] = static_cast<std::uint8_t>(field[6] - 2);
  const auto filled_with = [&](std::uint8_t first, std::uint8_t others) {
    std::fill(signature_end - 2, unit.end() - 1, others);
    *(signature_end - 2) = first;
    return axis::read_message(codec::Codec::av1, unit).has_value();
  };
  EXPECT_TRUE(filled_with(1, 1));
  EXPECT_TRUE(filled_with(0, 0));
  EXPECT_FALSE(filled_with(1, 0));
  EXPECT_FALSE(filled_with(0, 1));
  EXPECT_FALSE(filled_with(2, 2));
}

TEST(AxisMessage, PublicKeysInPem) {
  const auto der = camera_one().key->spki_der();
  const auto pem = axis::public_key_pem(der);
  EXPECT_EQ(axis::public_key_der(pem).value(), der);
  for (std::size_t size = 0; size < 8; ++size) {
    const Bytes some(size, 0xa5);
    EXPECT_EQ(axis::public_key_der(axis::public_key_pem(some)).value(), some) << size;
  }
  EXPECT_FALSE(axis::public_key_der(""));
  EXPECT_FALSE(axis::public_key_der(pem.substr(0, pem.size() - 6)));
  EXPECT_FALSE(axis::public_key_der("-----BEGIN PUBLIC KEY-----\nAB!D\n-----END PUBLIC KEY-----"));
  EXPECT_FALSE(axis::public_key_der("-----BEGIN PUBLIC KEY-----\nABC\n-----END PUBLIC KEY-----"));
  EXPECT_FALSE(axis::public_key_der("-----BEGIN PUBLIC KEY-----\nAB=D\n-----END PUBLIC KEY-----"));
}

TEST(AxisAttestation, RefusesOtherForms) {
  AxisFields fields;
  fields.attestation_chain = camera_one().chain_pem;
  EXPECT_TRUE(axis::read_attestation(engine(), fields).value().factory_provisioned);
  Bytes statement = {0, 1, 0, 1, 0x7b, 0, 2, 1, 1};
  statement.resize(21, 7);
  append(statement, Bytes{0, 3, 0x30, 0x01, 0x00});
  fields.attestation = statement;
  const auto read = axis::read_attestation(engine(), fields);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->signature.size(), 3u);
  // The key's own certificate names no chip of Axis'.
  EXPECT_THAT(axis::mismatch_of(engine(), *read, *camera_one().leaf.key), HasSubstr("chip"));
  for (std::size_t size = 1; size < statement.size(); ++size) {
    fields.attestation.assign(statement.begin(), statement.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(axis::read_attestation(engine(), fields)) << size;
  }
  fields.attestation = statement;
  fields.attestation.push_back(0);
  EXPECT_FALSE(axis::read_attestation(engine(), fields));
  fields.attestation = statement;
  fields.attestation[8] = 2;
  EXPECT_FALSE(axis::read_attestation(engine(), fields));
  fields.attestation = statement;
  fields.attestation_chain.clear();
  EXPECT_FALSE(axis::read_attestation(engine(), fields));
}

}  // namespace
}  // namespace camvault::signed_video::test

// What happens to recordings is named, not lumped together. AX-4.1-2, AX-4.1-4.
#include <gtest/gtest.h>

#include "sei_writer.h"
#include "supplement_scene.h"

namespace camvault::signed_video::test {
namespace {

using enum NoteKind;

Clip film(ClipScene how = {}, bool supplement = true) {
  auto clip = record_clip(camera_one(), options_for(camera_one()), how);
  if (!supplement) clip.erase_all('A');
  return clip;
}

// `second` plays right behind `first`.
Clip in_a_row(Clip first, const Clip& second) {
  const auto end = first.times.back().value() + kFrame;
  for (const auto& s : second.side) {
    auto copy = s;
    copy.before += first.units.size();
    copy.time = s.time + end;
    first.side.push_back(copy);
  }
  for (std::size_t i = 0; i < second.units.size(); ++i) {
    first.units.push_back(second.units[i]);
    first.letters.push_back(second.letters[i]);
    first.times.push_back(second.times[i].value() + end);
  }
  return first;
}

const Note* find_note(const Report& report, NoteKind kind) {
  for (const auto& note : report.notes)
    if (note.kind == kind) return &note;
  return nullptr;
}

ClipScene later() {
  ClipScene how;
  how.begin = recording_begins() + std::chrono::minutes(5);
  how.salt = 9;
  return how;
}

TEST(Continuity, AWholeRecordingHasNoneOfThis) {
  const auto report = verify_clip(film());
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  for (const auto kind : {beginning_missing, unsigned_tail, joined, restarted, clock_jump,
                          gop_number_repeated, gops_missing, out_of_order, ending_missing})
    EXPECT_FALSE(has_note(report, kind)) << to_string(kind) << notes_of(report);
  EXPECT_TRUE(has_note(report, complete_to_the_end));
}

// The camera stopped in order and began again: both recordings are whole, the time between is not recorded.
TEST(Continuity, ARestartInOrderIsNamedAndNothingIsForged) {
  const auto report = verify_clip(in_a_row(film(), film(later())));
  EXPECT_EQ(report.verdict, Verdict::authentic_with_missing_frames) << notes_of(report);
  ASSERT_NE(find_note(report, restarted), nullptr) << notes_of(report);
  EXPECT_EQ(find_note(report, restarted)->gop, 4u);
  EXPECT_FALSE(has_note(report, NoteKind::joined));
  EXPECT_EQ(report.pictures_authentic, 32u);
}

// The same, and the second recording lacks its first GOP, whose SEI is here.
TEST(Continuity, ARestartWhoseBeginningIsCutOffIsNamed) {
  auto second = film(later());
  second.keep_pictures(4, 17);  // 17: with what stands behind the last picture
  const auto report = verify_clip(in_a_row(film(), second));
  EXPECT_EQ(report.verdict, Verdict::authentic_with_missing_frames) << notes_of(report);
  EXPECT_TRUE(has_note(report, restarted)) << notes_of(report);
  EXPECT_TRUE(has_note(report, beginning_missing)) << notes_of(report);
  EXPECT_EQ(report.pictures_authentic, 28u);
  // The neighbour: without that SEI nothing says that a recording begins there.
  second.keep_pictures(8, 16);
  EXPECT_EQ(verify_clip(in_a_row(film(), second)).verdict, Verdict::not_authentic);
}

// Power was lost: nothing shows that the first recording is whole, and the report says just that.
TEST(Continuity, ARestartOutOfTheBlueIsNamed) {
  ClipScene cut_off;
  cut_off.finish = false;
  const auto report = verify_clip(in_a_row(film(cut_off), film(later())));
  EXPECT_EQ(report.verdict, Verdict::not_authentic);
  EXPECT_TRUE(has_note(report, restarted)) << notes_of(report);
  EXPECT_NE(report.verdict_reason.find("a new recording of the same camera"), std::string::npos)
      << report.verdict_reason;
}

// The neighbours: the later recording in front; the end of one behind the beginning of the other.
TEST(Continuity, JoinedRecordingsAreNoRestart) {
  auto report = verify_clip(in_a_row(film(later()), film()));
  EXPECT_EQ(report.verdict, Verdict::not_authentic);
  EXPECT_TRUE(has_note(report, NoteKind::joined)) << notes_of(report);
  EXPECT_FALSE(has_note(report, restarted));
  EXPECT_NE(report.verdict_reason.find("recording"), std::string::npos) << report.verdict_reason;
  auto second = film(later());
  second.keep_pictures(8, 16);
  report = verify_clip(in_a_row(film(), second));
  EXPECT_EQ(report.verdict, Verdict::not_authentic);
  EXPECT_TRUE(has_note(report, NoteKind::joined)) << notes_of(report);
  EXPECT_FALSE(has_note(report, restarted));
}

TEST(Continuity, AClockThatIsSetIsNamedAndNothingIsForged) {
  for (const auto by : {Ticks(std::chrono::hours(1)), Ticks(std::chrono::seconds(10))}) {
    ClipScene how;
    how.clock_set_at = 8;
    how.clock_set_by = by;
    const auto report = verify_clip(film(how));
    EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
    ASSERT_NE(find_note(report, clock_jump), nullptr) << notes_of(report);
    EXPECT_FALSE(has_note(report, NoteKind::joined));
    EXPECT_FALSE(has_note(report, gops_missing));
  }
  // Set back: the camera's times stand still until they are right again.
  ClipScene back;
  back.scene = "IPPPIPPPIPPPIPPPIPPPIPPPIPPPIPPPIPPPIPPPIPPPIPPPIPPPIPPP";
  back.clock_set_at = 8;
  back.clock_set_by = -std::chrono::hours(1);
  auto report = verify_clip(film(back));
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_TRUE(has_note(report, clock_jump)) << notes_of(report);
  // The neighbour: a correction of half a second, as time servers make them.
  ClipScene little;
  little.clock_set_at = 8;
  little.clock_set_by = std::chrono::milliseconds(500);
  report = verify_clip(film(little));
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_FALSE(has_note(report, clock_jump)) << notes_of(report);
}

// A signer with a fault: from GOP 2 on the numbers are one behind, so that one stands twice.
Clip with_number_repeated(bool links_fit) {
  auto clip = film({}, false);
  const auto& camera = camera_one();
  for (std::size_t n = 3; clip.find('S', n) != SIZE_MAX; ++n) {  // S 0 is the certificate SEI
    auto& unit = clip.units[clip.find('S', n)];
    const auto read = read_sei_message(clip.codec, unit);
    EXPECT_TRUE(read) << (read ? "" : read.error().what);
    SeiDraft draft;
    draft.general = *read->general;
    --draft.general->counter;
    if (!links_fit) draft.general->linked_hash.bytes[0] ^= 1;
    draft.hash_list = *read->hash_list;
    draft.hash = crypto::HashAlg::sha256;
    draft.after_last_slice = clip.find('S', n + 1) == SIZE_MAX;
    draft.vendor = read->vendor;
    for (const auto& chain : read->chains) draft.chains.push_back(chain);
    const auto writer = SeiWriter::create(draft, crypto::max_signature_size(camera.key->alg())).value();
    const auto digest = engine().digest(crypto::HashAlg::sha256, writer.document);
    const auto signature = camera.key->sign(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, digest);
    unit = writer.finish(*signature).value();
  }
  return clip;
}

TEST(Continuity, ARepeatedNumberIsNamedAndNothingIsForged) {
  const auto report = verify_clip(with_number_repeated(true));
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  ASSERT_NE(find_note(report, gop_number_repeated), nullptr) << notes_of(report);
  EXPECT_EQ(report.pictures_authentic, 16u);
  EXPECT_FALSE(has_note(report, gops_missing));
  // The neighbour: the same number, and nothing links the two.
  const auto forged = verify_clip(with_number_repeated(false));
  EXPECT_EQ(forged.verdict, Verdict::not_authentic);
  EXPECT_TRUE(has_note(forged, NoteKind::joined)) << notes_of(forged);
  EXPECT_FALSE(has_note(forged, gop_number_repeated));
}

TEST(Continuity, CutsAreNamedAndNothingIsForged) {
  auto clip = film();
  clip.keep_pictures(6, 16);
  auto report = verify_clip(clip);
  EXPECT_NE(report.verdict, Verdict::not_authentic) << notes_of(report);
  EXPECT_TRUE(has_note(report, beginning_missing)) << notes_of(report);
  clip = film();
  clip.keep_pictures(0, 14);
  report = verify_clip(clip);
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_TRUE(has_note(report, unsigned_tail)) << notes_of(report);
  EXPECT_EQ(report.pictures_not_covered, 2u);
  clip = film();
  clip.keep_pictures(0, 8);
  report = verify_clip(clip);
  EXPECT_EQ(report.verdict, Verdict::authentic) << notes_of(report);
  EXPECT_FALSE(has_note(report, complete_to_the_end));
}

}  // namespace
}  // namespace camvault::signed_video::test

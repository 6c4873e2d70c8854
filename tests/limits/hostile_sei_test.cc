// Single SEIs that no camera writes: cut anywhere, lengths past the end, times and counters at the ends of
// their range. Each gives a clear verdict; none is a yes that should be a no. AX-4.1-2.
#include <limits>

#include "limits.h"

namespace camvault::signed_video::test {
namespace {

Take small_clip() {
  return record("IPPIPPIPP", camera_one(), options_for(camera_one()));
}

TEST(HostileSei, CutAtEveryByte) {
  const auto clip = small_clip();
  const auto at = clip.find('S', 2);
  const auto whole = clip.units[at];
  const auto begin = cpu_seconds();
  for (std::size_t size = 0; size < whole.size(); size += size < 200 || size + 200 > whole.size() ? 1u : 7u) {
    auto take = clip;
    take.units[at].resize(size);
    const auto report = verify(take);
    EXPECT_NE(report.verdict, Verdict::authentic) << size;
    EXPECT_FALSE(report.verdict_reason.empty());
  }
  EXPECT_LT(cpu_seconds() - begin, 60);
}

TEST(HostileSei, EveryByteChanged) {
  const auto clip = small_clip();
  const auto at = clip.find('S', 2);
  for (std::size_t i = 0; i < clip.units[at].size(); i += i < 100 ? 1u : 11u) {
    for (const unsigned change : {0x01u, 0x80u, 0xffu}) {
      auto take = clip;
      take.units[at][i] = static_cast<std::uint8_t>(unsigned{take.units[at][i]} ^ change);
      const auto report = verify(take);
      // Fields behind the signature's bytes (padding) are not signed; nothing else may pass.
      const bool padding = i + 12 > clip.units[at].size();
      if (!padding) {
        EXPECT_NE(report.verdict, Verdict::authentic) << "byte " << i << " of " << clip.units[at].size();
      }
    }
  }
}

TEST(HostileSei, LengthsPastTheEnd) {
  for (const unsigned length : {0u, 1u, 255u, 4096u, 65'535u}) {
    for (std::uint8_t tag = 0; tag < 9; ++tag) {
      Bytes unit{0x06, 0x05, 20};
      append(unit, kMediaSigningUuid);
      append(unit, Bytes{0x40, tag, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length),
                         0x80});
      auto take = small_clip();
      take.insert(take.picture(4), unit, 'S');
      EXPECT_EQ(verify(take).verdict, Verdict::not_authentic) << length << " " << int{tag};
    }
  }
  // A size of the message that never ends.
  for (const std::size_t bytes : {10u, 4096u, 1'000'000u}) {
    Bytes unit{0x06, 0x05};
    unit.insert(unit.end(), bytes, 0xff);
    unit.push_back(0x80);
    auto take = small_clip();
    take.insert(take.picture(4), unit, 'S');
    EXPECT_EQ(verify(take).pictures_altered, 0u);
  }
}

// What makes ONVIF's and Axis' reference implementations read out of bounds: units of a few bytes, fields
// longer than their message, a hash algorithm whose identifier is none.
TEST(HostileSei, WhatReferencesReadPastTheEndOf) {
  for (const auto codec : {codec::Codec::h264, codec::Codec::h265, codec::Codec::av1}) {
    for (unsigned first = 0; first < 256; ++first) {
      for (std::size_t size = 1; size < 6; ++size) {
        for (const auto rest : Bytes{0x00, 0x05, 0x80, 0xff}) {
          Bytes unit(size, rest);
          unit[0] = static_cast<std::uint8_t>(first);
          Take take{codec, {unit, unit}, {'z', 'z'}};
          EXPECT_NE(verify(take).verdict, Verdict::authentic) << first << ' ' << size;
        }
      }
    }
  }
  const auto refused = [](BytesView uuid, Bytes message) {
    Bytes unit{0x06, 0x05, static_cast<std::uint8_t>(uuid.size() + message.size())};
    append(unit, uuid);
    append(unit, message);
    unit.push_back(0x80);
    auto take = small_clip();
    take.insert(take.picture(4), unit, 'S');
    return verify(take).verdict == Verdict::not_authentic;
  };
  const Bytes axis_uuid = to_bytes(as_bytes("Signed Video...0"));
  for (const unsigned length : {1u, 19u, 254u, 255u}) {
    for (const auto tag : Bytes{1, 2, 3, 4, 5, 6, 7, 129}) {
      EXPECT_TRUE(refused(
          axis_uuid, {0x30, tag, static_cast<std::uint8_t>(length), static_cast<std::uint8_t>(length), 1}))
          << int{tag} << ' ' << length;
    }
  }
  // commonName (2.5.4.3) in place of a hash algorithm; an identifier longer than its field.
  EXPECT_TRUE(refused(kMediaSigningUuid, {0x40, 4, 0, 10, 1, 5, 0x06, 0x03, 0x55, 0x04, 0x03, 0, 0, 0}));
  EXPECT_TRUE(refused(kMediaSigningUuid, {0x40, 4, 0, 4, 1, 0xff, 0x06, 0x09}));
  EXPECT_TRUE(refused(axis_uuid, {0x30, 7, 7, 1, 5, 0x06, 0x03, 0x55, 0x04, 0x03}));
}

TEST(HostileSei, TimesAtTheEndsOfTheirRange) {
  // 1601 is where the field begins, 30828 where its 64 bits end.
  const Timestamp earliest = Timestamp(Ticks(-116'444'736'000'000'000));
  const Timestamp latest = earliest + Ticks(std::numeric_limits<std::int64_t>::max());
  for (const auto begin :
       {earliest, earliest + Ticks(1), Timestamp{}, latest - std::chrono::hours(1), latest}) {
    const auto take =
        record("IPPIPPIPP", camera_one(), options_for(camera_one()), 0,
               begin <= latest - std::chrono::seconds(1) ? begin : latest - std::chrono::seconds(1));
    const auto report = verify(take);
    EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
    EXPECT_FALSE(report::to_json({}, report).empty());
    EXPECT_NE(report.provenance, Provenance::trusted);  // no certificate is valid then
  }
}

TEST(HostileSei, SignedTimesThatRunWild) {
  const Timestamp earliest = Timestamp(Ticks(-116'444'736'000'000'000));
  const Timestamp latest = earliest + Ticks(std::numeric_limits<std::int64_t>::max());
  for (const auto& [start, end] :
       {std::pair{latest, earliest}, std::pair{earliest, latest}, std::pair{latest, latest}}) {
    auto take = small_clip();
    for (std::uint32_t i = 0; i < 5; ++i) {
      SeiDraft draft;
      draft.general = general_of(1001 + i, start, end);
      take.insert(take.picture(3 + i), sei_of(camera_one(), draft), 'S');
    }
    const auto report = verify(take);
    EXPECT_EQ(report.verdict, Verdict::not_authentic);
    EXPECT_FALSE(report::to_json({}, report).empty());
  }
}

TEST(HostileSei, TheCounterMayWrap) {
  auto options = options_for(camera_one());
  options.first_counter = 0xffff'fffd;
  const auto take = record("IPPIPPIPPIPPIPPIPP", camera_one(), options);
  EXPECT_EQ(verify(take).verdict, Verdict::authentic);
  auto gap = take;  // GOPs 2 and 3 with their SEIs: across the wrap
  gap.erase(gap.picture(6), gap.picture(12));
  const auto report = verify(gap);
  EXPECT_NE(report.verdict, Verdict::authentic);
}

TEST(HostileSei, CountersFarApart) {
  // A counter that claims four thousand million lost GOPs must not be counted one by one.
  auto options = options_for(camera_one());
  options.first_counter = 1;
  auto first = record("IPPIPP", camera_one(), options);
  options.first_counter = 0x7fff'fff0;
  const auto second =
      record("IPPIPP", camera_one(), options, 1, recording_begins() + std::chrono::hours(24 * 365 * 50));
  for (std::size_t i = 0; i < second.units.size(); ++i)
    append_unit(first, second.units[i], second.letters[i]);
  double seconds = 0;
  const auto report = verify_in(first, seconds);
  EXPECT_NE(report.verdict, Verdict::authentic);
  EXPECT_LT(seconds, 5);
  EXPECT_LT(report.gops.size(), 100'000u);
}

TEST(HostileSei, H265ToTheSameRules) {
  const auto clip = record("IPPIPPIPP", camera_one(), options_for(camera_one(), codec::Codec::h265));
  ASSERT_EQ(verify(clip).verdict, Verdict::authentic);
  const auto at = clip.find('S', 2);
  for (std::size_t size = 0; size < clip.units[at].size(); size += 13) {
    auto take = clip;
    take.units[at].resize(size);
    EXPECT_NE(verify(take).verdict, Verdict::authentic) << size;
  }
}

}  // namespace
}  // namespace camvault::signed_video::test

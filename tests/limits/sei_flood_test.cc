// Floods of SEIs: repeated, unsigned, garbage, or signed with an attacker's own key. AX-4.1-2.
#include "camvault/codec/emulation.h"
#include "limits.h"

namespace camvault::signed_video::test {
namespace {

const Camera& attacker() {
  static const Camera instance = [] {
    auto camera = Maker().camera("EVIL-1");
    return camera;
  }();
  return instance;
}

// A clip of the camera with `flood` in its middle.
Take clip_with(const std::vector<Bytes>& flood) {
  const auto clip = record("IPPIPPIPP", camera_one(), options_for(camera_one()));
  Take take;
  const auto middle = clip.picture(4);
  for (std::size_t i = 0; i < clip.units.size(); ++i) {
    if (i == middle) {
      for (const auto& unit : flood) append_unit(take, unit, 'S');
    }
    append_unit(take, clip.units[i], clip.letters[i]);
  }
  return take;
}

TEST(SeiFlood, OneSeiAMillionTimesIsARepeat) {
  expect_linear(500'000, 120, [](std::size_t n) {
    const auto clip = record("IPPIPPIPP", camera_one(), options_for(camera_one()));
    Take take;
    for (std::size_t i = 0; i < clip.units.size(); ++i) append_unit(take, clip.units[i], clip.letters[i]);
    const auto sei = clip.units[clip.find('S', 1)];
    // The unit's bytes are shared: memory is not what is tested here.
    double seconds = 0;
    Verifier verifier(codec::Codec::h264, engine(), trusting(camera_one()));
    std::vector<codec::Unit> run;
    for (std::size_t i = 0; i < take.units.size(); ++i) {
      codec::Unit unit;
      unit.bytes = take.units[i];
      run.push_back(unit);
    }
    codec::Unit repeated;
    repeated.bytes = sei;
    const std::vector<codec::Unit> repeats(256, repeated);
    Report report;
    seconds += cpu_time_of([&] {
      verifier.add(run);
      for (std::size_t i = 0; i < n / 256; ++i) verifier.add(repeats);
      report = verifier.finish();
    });
    EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
    EXPECT_TRUE(has_note(report, NoteKind::sei_repeated));
    return seconds;
  });
}

TEST(SeiFlood, UnsignedSeisThatClaimGops) {
  expect_linear(50'000, 60, [](std::size_t n) {
    std::vector<Bytes> flood;
    for (std::uint32_t i = 0; i < n; ++i) {
      SeiDraft draft;
      draft.general = general_of(2000 + i, recording_begins(), recording_begins() + kFrame);
      flood.push_back(sei_of(attacker(), draft, false));
    }
    double seconds = 0;
    const auto report = verify_in(clip_with(flood), seconds);
    EXPECT_EQ(report.verdict, Verdict::not_authentic) << report.verdict_reason;
    return seconds;
  });
}

TEST(SeiFlood, SignedByAnAttackerAndMatchingNothing) {
  expect_linear(3000, 120, [](std::size_t n) {
    std::vector<Bytes> flood;
    for (std::uint32_t i = 0; i < n; ++i) {
      SeiDraft draft;
      draft.general = general_of(1'000'000 + i, recording_begins() + std::int64_t{i} * kFrame,
                                 recording_begins() + std::int64_t{i + 1} * kFrame);
      flood.push_back(sei_of(attacker(), draft));
    }
    double seconds = 0;
    const auto report = verify_in(clip_with(flood), seconds);
    EXPECT_EQ(report.verdict, Verdict::not_authentic) << report.verdict_reason;
    return seconds;
  });
}

// The worst that lists can do: full ones that match nothing, in front of everything the verifier keeps
// waiting.
TEST(SeiFlood, FullListsAgainstManyWaitingUnits) {
  static std::vector<Bytes> flood;
  const auto flood_of = [](std::size_t n) {
    while (flood.size() < n) {
      const auto i = static_cast<std::uint32_t>(flood.size());
      Bytes list;
      for (std::uint32_t entry = 0; entry < 2000; ++entry)
        append(list, digest_of(std::uint64_t{i} << 32 | entry).view());
      SeiDraft draft;
      draft.general = general_of(1000 + i, recording_begins() + std::int64_t{i} * kFrame,
                                 recording_begins() + std::int64_t{i + 1} * kFrame);
      draft.general->unit_count = 2000;
      draft.hash_list = list;
      flood.push_back(sei_of(attacker(), draft));
    }
  };
  // More SEIs: n of them against 20,000 units, then more units against 100 SEIs.
  const auto run = [&](std::size_t seis, std::size_t units) {
    flood_of(seis);
    Take take;
    append_unit(take, slice(codec::Codec::h264, 'I', 0, 5), 'I');
    for (std::uint32_t i = 1; i < units; ++i) append_unit(take, slice(codec::Codec::h264, 'P', i, 5), 'P');
    for (std::size_t i = 0; i < seis; ++i) append_unit(take, flood[i], 'S');
    double seconds = 0;
    const auto report = verify_in(take, seconds, {});
    EXPECT_EQ(report.verdict, Verdict::not_authentic) << report.verdict_reason;
    EXPECT_EQ(report.pictures_authentic, 0u);
    return seconds;
  };
  expect_linear(150, 60, [&](std::size_t n) { return run(n, 20'000); });
  expect_linear(30'000, 60, [&](std::size_t n) { return run(100, n); });
}

TEST(SeiFlood, GarbageBehindTheUuid) {
  expect_linear(100'000, 60, [](std::size_t n) {
    std::vector<Bytes> flood;
    for (std::uint32_t i = 0; i < n; ++i) {
      Bytes unit{0x06, 0x05, 40};
      append(unit, kMediaSigningUuid);
      const auto digest = digest_of(i);
      append(unit, digest.view().first(24));
      for (auto& byte : unit)
        byte = static_cast<std::uint8_t>(byte == 0 && &byte > unit.data() + 19 ? 1 : byte);
      unit.push_back(0x80);
      flood.push_back(std::move(unit));
    }
    double seconds = 0;
    const auto report = verify_in(clip_with(flood), seconds);
    EXPECT_EQ(report.verdict, Verdict::not_authentic);
    EXPECT_TRUE(has_note(report, NoteKind::sei_malformed));
    EXPECT_LT(report.notes.size(), 2000u);  // a flood does not flood the report
    return seconds;
  });
}

TEST(SeiFlood, SeisOfAMegabyte) {
  // 60 fields of 17 KB that later versions may define; valid signature of the attacker.
  expect_linear(8, 60, [](std::size_t n) {
    std::vector<Bytes> flood;
    for (std::uint32_t i = 0; i < n; ++i) {
      Bytes payload(kMediaSigningUuid.begin(), kMediaSigningUuid.end());
      payload.push_back(kEscapedDocumentBit);
      for (int field = 0; field < 60; ++field) {
        payload.push_back(static_cast<std::uint8_t>(Tag::arbitrary_data));
        payload.push_back(0x44);
        payload.push_back(0x00);
        payload.insert(payload.end(), 0x4400,
                       static_cast<std::uint8_t>(i % 3));  // zeros: the most that escapes can cost
      }
      Bytes unit{0x06, 0x05};
      auto rest = payload.size();
      for (; rest >= 255; rest -= 255) unit.push_back(255);
      unit.push_back(static_cast<std::uint8_t>(rest));
      append(unit, payload);
      unit.push_back(0x80);
      flood.push_back(codec::escape(unit));
    }
    double seconds = 0;
    const auto report = verify_in(clip_with(flood), seconds);
    EXPECT_EQ(report.verdict, Verdict::not_authentic) << report.verdict_reason;
    return seconds;
  });
}

TEST(SeiFlood, OtherSeisAndParameterSetsInMasses) {
  expect_linear(100'000, 60, [](std::size_t n) {
    std::vector<Bytes> flood;
    for (std::uint32_t i = 0; i < n; ++i) {
      const auto digest = digest_of(i);
      Bytes unit{static_cast<std::uint8_t>(i % 2 == 0 ? 0x67 : 0x0b)};
      append(unit, digest.view());
      unit.push_back(0x80);
      flood.push_back(std::move(unit));
    }
    double seconds = 0;
    const auto report = verify_in(clip_with(flood), seconds);
    EXPECT_NE(report.verdict, Verdict::not_signed);
    return seconds;
  });
}

}  // namespace
}  // namespace camvault::signed_video::test

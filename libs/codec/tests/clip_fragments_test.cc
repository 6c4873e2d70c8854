#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "camvault/codec/clip.h"
#include "mp4_builder.h"

namespace camvault::codec::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Bytes kI = join({sized({0x67, 1}), sized({0x65, 0x88})});  // 12 bytes
const Bytes kP = sized({0x41, 0x9a, 7});                         // 7

Bytes empty_tables() {
  return join({stsd({avc1()}), words("stsz", {0, 0, 0}), words("stsc", {0, 0}), words("stco", {0, 0}),
               words("stts", {0, 0})});
}

Bytes init(const std::vector<std::uint32_t>& trex = {0, 1, 1, 40, 0, 0}) {
  return join(
      {ftyp(), box("moov", join({track(1, "vide", empty_tables()), box("mvex", words("trex", trex))}))});
}

constexpr std::uint32_t kBaseIsMoof = 0x02'0000;

// moof with one traf and the data behind it; run(size of moof) makes the truns.
template <class Run>
Bytes fragment(const Bytes& tfhd, const Bytes& tfdt, Run run, const Bytes& data) {
  const auto moof = [&](std::uint32_t size) {
    return box("moof", join({words("mfhd", {0, 1}), box("traf", join({tfhd, tfdt, run(size)}))}));
  };
  const auto size = static_cast<std::uint32_t>(moof(0).size());
  return join({moof(size), box("mdat", data)});
}

Bytes sizes_run(std::uint32_t moof_size) {
  return words("trun", {0x201, 2, moof_size + 8, 12, 7});
}
const Bytes kTfhd = words("tfhd", {kBaseIsMoof, 1});
Bytes tfdt(std::uint32_t time) {
  return words("tfdt", {0, time});
}

ReadUnits units_of(const Bytes& file) {
  const auto source = open_clip(file);
  EXPECT_TRUE(source) << source.error().what;
  if (!source) return {};
  auto first = read_all(**source, file);
  EXPECT_TRUE((*source)->rewind());
  EXPECT_EQ(read_all(**source, file).units, first.units);
  return first;
}

void expect_broken_after(std::size_t count, const Bytes& file, const std::string& what) {
  const auto read = units_of(file);
  EXPECT_EQ(read.units.size(), count);
  EXPECT_THAT(read.error, HasSubstr(what));
}

TEST(ClipFragments, SeveralFragments) {
  const auto data = join({kI, kP});
  const auto file = join({init(), fragment(kTfhd, tfdt(0), sizes_run, data), box("styp", {}),
                          box("sidx", Bytes(9, 0)), fragment(kTfhd, tfdt(1000), sizes_run, data)});
  const auto source = open_clip(file).value();
  EXPECT_EQ(source->info().format, ClipFormat::fragmented_mp4);
  EXPECT_EQ(source->info().sample_count, 0u);
  const auto read = units_of(file);
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.units, ElementsAre("6701", "6588", "419a07", "6701", "6588", "419a07"));
  EXPECT_THAT(read.times, ElementsAre(0, 0, 400'000, 10'000'000, 10'000'000, 10'400'000));
}

TEST(ClipFragments, WhereTheDataBegins) {
  const auto data = join({kI, kP});
  const std::vector<std::string> expected{"6701", "6588", "419a07"};
  const auto at = static_cast<std::uint32_t>(init().size());
  const auto read = [&](const Bytes& tfhd, auto run) {
    return units_of(join({init(), fragment(tfhd, tfdt(0), run, data)}));
  };
  // The first track fragment counts from its moof, with the flag or without.
  EXPECT_EQ(read(words("tfhd", {0, 1}), sizes_run).units, expected);
  // An offset in the file, from which data offsets count, also backwards.
  EXPECT_EQ(read(words("tfhd", {1, 1, 0, at}), sizes_run).units, expected);
  EXPECT_EQ(read(words("tfhd", {1, 1, 0, at + 100}),
                 [](std::uint32_t size) {
                   return words("trun", {0x201, 2, size + 8 - 100, 12, 7});
                 })
                .units,
            expected);
  // A run without offset begins behind the run before it.
  EXPECT_EQ(read(kTfhd,
                 [](std::uint32_t size) {
                   return join({words("trun", {0x201, 1, size + 8, 12}), words("trun", {0x200, 1, 7})});
                 })
                .units,
            expected);
  // Without any offset: at the base.
  const auto direct = join({init(), box("moof", box("traf", join({words("tfhd", {1, 1, 0, at + 100}),
                                                                  words("trun", {0x200, 2, 12, 7})})))});
  auto padded = direct;
  padded.resize(at + 100, 0);
  append(padded, data);
  EXPECT_EQ(units_of(padded).units, expected);
}

TEST(ClipFragments, TrackFragmentsBehindEachOther) {
  // Sound first; the video counts from the end of its data (ISO/IEC 14496-12, 8.8.7.1).
  const Bytes sound(5, 0xaa);
  const auto moof = [](std::uint32_t size) {
    const auto audio = box("traf", join({words("tfhd", {0, 2}), words("trun", {0x201, 1, size + 8, 5})}));
    const auto video = box("traf", join({words("tfhd", {0, 1}), words("trun", {0x200, 2, 12, 7})}));
    return box("moof", join({audio, video}));
  };
  const auto file =
      join({init(), moof(static_cast<std::uint32_t>(moof(0).size())), box("mdat", join({sound, kI, kP}))});
  EXPECT_THAT(units_of(file).units, ElementsAre("6701", "6588", "419a07"));
}

TEST(ClipFragments, DefaultsAndTimes) {
  const auto same = join({kP, kP});
  const auto read = [&](const Bytes& head, const std::vector<std::uint32_t>& trex, const Bytes& tfhd,
                        auto run) {
    return units_of(join({head, init(trex), fragment(tfhd, tfdt(5), run, same)}));
  };
  const auto bare = [](std::uint32_t size) { return words("trun", {0x1, 2, size + 8}); };
  const auto from_trex = read({}, {0, 1, 1, 40, 7, 0}, kTfhd, bare);
  EXPECT_THAT(from_trex.units, ElementsAre("419a07", "419a07"));
  EXPECT_THAT(from_trex.times, ElementsAre(50'000, 450'000));
  const auto from_tfhd =
      read({}, {0, 1, 1, 40, 99, 0}, words("tfhd", {kBaseIsMoof | 0x3a, 1, 1, 20, 7, 0}), bare);
  EXPECT_THAT(from_tfhd.times, ElementsAre(50'000, 250'000));
  const auto every_column = read({}, {0, 1, 1, 40, 99, 0}, kTfhd, [](std::uint32_t size) {
    return words("trun", {0x0100'0f05, 2, size + 8, 0, 10, 7, 0, 30, 10, 7, 0, 0xffff'fff6});
  });
  EXPECT_THAT(every_column.units, ElementsAre("419a07", "419a07"));
  EXPECT_THAT(every_column.times, ElementsAre(350'000, 50'000));
  // 64-bit tfdt; without one the time goes on.
  const auto file =
      join({init({0, 1, 1, 40, 7, 0}), fragment(kTfhd, words("tfdt", {0x0100'0000, 1, 0}), bare, same),
            fragment(kTfhd, {}, bare, same)});
  const std::int64_t begin = 4'294'967'296 * 10'000;
  EXPECT_THAT(units_of(file).times, ElementsAre(begin, begin + 400'000, begin + 800'000, begin + 1'200'000));
  // A time beyond all clips is no time.
  const auto late =
      join({init({0, 1, 1, 40, 7, 0}),
            fragment(kTfhd, words("tfdt", {0x0100'0000, 0xffff'ffff, 0xffff'fff0}), bare, same)});
  EXPECT_THAT(units_of(late).times, ElementsAre(-1, -1));
}

TEST(ClipFragments, SamplesInMoovComeFirst) {
  const auto tables = join({stsd({avc1()}), words("stsz", {0, 0, 1, 12}), words("stsc", {0, 1, 1, 1, 1}),
                            words("stco", {0, 1, kDataAt})});
  const auto file =
      join({ftyp(), box("mdat", kI),
            box("moov", join({track(1, "vide", tables), box("mvex", words("trex", {0, 1, 1, 40, 0, 0}))})),
            fragment(kTfhd, tfdt(1), sizes_run, join({kI, kP}))});
  EXPECT_THAT(units_of(file).units, ElementsAre("6701", "6588", "6701", "6588", "419a07"));
}

TEST(ClipFragments, ACutFileGivesItsWholeUnits) {
  const auto data = join({kI, kP});
  const auto first = join({init(), fragment(kTfhd, tfdt(0), sizes_run, data)});
  const auto file = join({first, fragment(kTfhd, tfdt(1), sizes_run, data)});
  for (std::size_t size = first.size(); size < file.size(); ++size) {
    const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    const auto read = units_of(cut);
    const auto missing = file.size() - size;
    EXPECT_EQ(read.units.size(), missing <= 7 ? 5u : missing <= 13 ? 4u : 3u) << missing;
    // Between two fragments, and for up to 7 bytes more, nothing shows that something is missing.
    if (size >= first.size() + 8) {
      EXPECT_THAT(read.error, HasSubstr("cut")) << missing;
    }
  }
}

TEST(ClipFragments, HostileFragments) {
  const auto data = join({kI, kP});
  const auto with_run = [&](std::vector<std::uint32_t> values) {
    return join({init(), fragment(
                             kTfhd, tfdt(0), [&](std::uint32_t) { return words("trun", values); }, data)});
  };
  expect_broken_after(0, with_run({0x200, 0xffff'ffff, 12, 7}), "more rows");
  expect_broken_after(0, with_run({0, 0xffff'ffff}), "without a size");
  expect_broken_after(0, with_run({0x100, 1, 40}), "without a size");
  expect_broken_after(0, with_run({0x201, 1, 0x8000'0000, 12}), "before the file");
  expect_broken_after(0, with_run({0x201, 1, 0x7fff'ffff, 12}), "outside");
  expect_broken_after(0, with_run({0x201, 1, 0, 0xffff'ffff}), "longer than the file");
  const auto with_tfhd = [&](const Bytes& tfhd) {
    return join({init(), fragment(tfhd, tfdt(0), sizes_run, data)});
  };
  expect_broken_after(0, with_tfhd(words("tfhd", {kBaseIsMoof | 0x02, 1, 2})), "sample description");
  expect_broken_after(0, with_tfhd(words("tfhd", {kBaseIsMoof | 0x02, 1, 0})), "sample description");
  expect_broken_after(0, with_tfhd(words("tfhd", {1, 1, 0xffff'ffff, 0xffff'fff0})), "data offset");
  expect_broken_after(0, with_tfhd(join({kTfhd, kTfhd})), "twice");
  expect_broken_after(0, with_tfhd({}), "tfhd is missing");
  EXPECT_THAT(units_of(with_tfhd(words("tfhd", {kBaseIsMoof, 2}))).units, ElementsAre());  // another track
  expect_broken_after(
      3, join({init(), fragment(kTfhd, tfdt(0), sizes_run, data), Bytes{0, 0, 0, 2, 'm', 'o', 'o', 'f'}}),
      "smaller");
  const auto twice = join({init(), ftyp()});
  EXPECT_EQ(units_of(twice).units.size(), 0u);
  auto two_trex = init();
  two_trex = join({ftyp(), box("moov", join({track(1, "vide", empty_tables()),
                                             box("mvex", join({words("trex", {0, 1, 1, 0, 0, 0}),
                                                               words("trex", {0, 1, 1, 0, 0, 0})}))}))});
  EXPECT_EQ(open_clip(two_trex).error().code, Errc::malformed);
  // Fragments without their beginning.
  const auto alone = fragment(kTfhd, tfdt(0), sizes_run, data);
  EXPECT_EQ(open_clip(alone).error().code, Errc::malformed);
}

// Many fragments that all name the same bytes end as soon as they are more than the file.
TEST(ClipFragments, OverlappingFragmentsEnd) {
  auto file = join({init({0, 1, 1, 40, 7, 0}), box("mdat", kP)});
  const auto data_at = static_cast<std::uint32_t>(file.size() - kP.size());
  Bytes runs;
  for (int i = 0; i < 1000; ++i) append(runs, words("trun", {0x1, 1000, data_at}));
  append(file, box("moof", box("traf", join({words("tfhd", {1, 1, 0, 0}), runs}))));
  const auto source = open_clip(file).value();
  const auto read = read_all(*source, file);
  EXPECT_LT(read.units.size() * 3, file.size());
  EXPECT_NE(read.error, "");
}

}  // namespace
}  // namespace camvault::codec::test

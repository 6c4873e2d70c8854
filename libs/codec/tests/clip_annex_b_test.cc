#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "camvault/codec/clip.h"
#include "clip_sources.h"
#include "mp4_builder.h"

namespace camvault::codec::test {
namespace {

using testing::ElementsAre;

Bytes stream(const std::vector<std::string>& units) {
  Bytes out;
  for (const auto& unit : units) {
    append(out, Bytes{0, 0, 0, 1});
    append(out, from_hex(unit).value());
  }
  return out;
}

// Headers as x264, x265 and camera encoders write them; slice data shortened.
const std::vector<std::string> kH264{
    "0910", "6764001facd9405005bb", "68ebe3cb22c0", "0605aabbcc80", "65888400", "419a21"};
const std::vector<std::string> kH265{"40010c01ffff016000000300",
                                     "42010101600000030090",
                                     "4401c172b46240",
                                     "4e0105aabbcc80",
                                     "2601af09",
                                     "0201d00a"};

TEST(ClipAnnexB, UnitsWithTheirOffsets) {
  const auto file = stream(kH264);
  const auto source = open_clip(file).value();
  EXPECT_EQ(source->info().format, ClipFormat::annex_b);
  EXPECT_EQ(source->info().codec, Codec::h264);
  EXPECT_EQ(source->info().timescale, 0u);
  const auto read = read_all(*source, file);
  // A zero at the end of a unit belongs to no unit.
  EXPECT_THAT(read.units, ElementsAre("0910", "6764001facd9405005bb", "68ebe3cb22c0", "0605aabbcc80",
                                      "658884", "419a21"));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.times, testing::Each(-1));
  EXPECT_TRUE(source->rewind());
  EXPECT_EQ(read_all(*source, file).units, read.units);
}

TEST(ClipAnnexB, RunsAreLimited) {
  Bytes file;
  for (int i = 0; i < 1000; ++i)
    append(file, stream({"41"
                         "9a21"}));
  const auto source = open_clip(file).value();
  std::size_t units = 0;
  for (auto run = source->read(); !run.value().empty(); run = source->read()) {
    EXPECT_LE(run->size(), UnitSource::kMaxRun);
    units += run->size();
  }
  EXPECT_EQ(units, 1000u);
}

TEST(ClipAnnexB, GuessesTheCodec) {
  EXPECT_EQ(guess_codec(stream(kH264)), Codec::h264);
  EXPECT_EQ(guess_codec(stream(kH265)), Codec::h265);
  // Without parameter sets: cut out of the middle of a recording.
  EXPECT_EQ(guess_codec(stream({"65888400", "419a21", "419a42", "061234"})), Codec::h264);
  EXPECT_EQ(guess_codec(stream({"2601af09", "0201d00a", "0201d112", "4e01aa"})), Codec::h265);
  EXPECT_EQ(guess_codec(stream({"019a21", "019e42", "419a42"})), Codec::h264);
  EXPECT_EQ(guess_codec(stream({"0201d00a", "0001e00a", "0201d112"})), Codec::h265);
  // SPS with other reference values, baseline to high; IDR first.
  for (const auto* sps : {"2742001f", "47420c1f", "674d001f", "676400ff", "67f40033"}) {
    EXPECT_EQ(guess_codec(stream({sps, "68ce3880"})), Codec::h264) << sps;
  }
  EXPECT_EQ(guess_codec({}), std::nullopt);
  EXPECT_EQ(guess_codec(stream({"ff", "ffff"})), std::nullopt);
}

TEST(ClipAnnexB, RefusesWhatIsNoStream) {
  EXPECT_EQ(open_clip(Bytes{1, 2, 3, 4}).error().code, Errc::malformed);
  EXPECT_EQ(open_clip(stream({"ff12", "ff34"})).error().code, Errc::malformed);
  EXPECT_EQ(open_clip(Bytes{1, 2, 3, 4}, {.codec = Codec::h264}).error().code, Errc::malformed);
  const auto odd = stream({"ff12"});
  EXPECT_EQ(open_clip(odd, {.codec = Codec::h265}).value()->info().codec, Codec::h265);
  Bytes text(10'000, 'a');
  EXPECT_EQ(open_clip(text).error().code, Errc::malformed);
}

TEST(ClipAnnexB, AFirstBoxThatLooksLikeAStartCodeIsMp4) {
  Bytes file{0, 0, 1, 0, 'f', 't', 'y', 'p'};
  file.resize(0x100, 0);
  EXPECT_TRUE(looks_like_mp4(file));
  EXPECT_TRUE(looks_like_mp4(Bytes{0, 0, 0, 1, 'm', 'd', 'a', 't'}));
  EXPECT_FALSE(looks_like_mp4(Bytes{0, 0, 0, 2, 'm', 'd', 'a', 't'}));
  EXPECT_FALSE(looks_like_mp4(stream(kH264)));
  EXPECT_FALSE(looks_like_mp4(stream(kH265)));
}

}  // namespace
}  // namespace camvault::codec::test

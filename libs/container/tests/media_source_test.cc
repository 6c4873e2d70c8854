#include "camvault/container/media_source.h"

#include <random>

#include "media.h"

namespace camvault::container {
namespace {

using codec::ClipFormat;
using codec::Codec;
using test::ClipRecipe;
using test::MediaTest;

struct Read {
  std::vector<Bytes> units;
  std::vector<Timestamp> times;
  std::optional<Error> error;
};

Read read_all(codec::UnitSource& source) {
  Read result;
  for (;;) {
    const auto run = source.read();
    if (!run) result.error = run.error();
    if (!run || run->empty()) return result;
    EXPECT_LE(run->size(), codec::UnitSource::kMaxRun);
    for (const auto& unit : *run) {
      result.units.push_back(to_bytes(unit.bytes));
      if (unit.container_time) result.times.push_back(*unit.container_time);
    }
  }
}

class MediaSourceTest : public MediaTest {
 protected:
  // The same stream in two files.
  std::filesystem::path remux(const std::filesystem::path& in, const char* name) {
    const auto out = folder_ / name;
    const auto result = test::run("ffmpeg -loglevel error -y -i " + in.string() + " -c copy " + out.string());
    EXPECT_EQ(result.status, 0) << result.output;
    return out;
  }
};

TEST_F(MediaSourceTest, MatroskaHasTheUnitsOfMp4) {
  for (const auto* codec : {"h264", "h265"}) {
    const auto mp4 = make_clip({.codec = codec, .slices = 3, .b_frames = 2, .audio = true});
    const auto mkv = remux(mp4, "clip.mkv");
    auto expected = open_media(mp4);
    ASSERT_TRUE(expected) << expected.error().what;
    auto source = open_media(mkv);
    ASSERT_TRUE(source) << source.error().what;
    EXPECT_EQ((*source)->info().format, ClipFormat::matroska);
    EXPECT_EQ((*source)->info().codec, std::string(codec) == "h264" ? Codec::h264 : Codec::h265);
    EXPECT_EQ((*source)->info().width, 320u);
    EXPECT_EQ((*source)->info().not_video, std::vector<std::string>{"audio (aac)"});
    const auto units = read_all(**source);
    EXPECT_FALSE(units.error);
    EXPECT_TRUE(units.units == read_all(**expected).units);
    EXPECT_EQ(units.times.size(), units.units.size());
    // Again from the beginning, also from the middle of it.
    ASSERT_TRUE((*source)->rewind());
    ASSERT_TRUE((*source)->read());
    ASSERT_TRUE((*source)->rewind());
    EXPECT_TRUE(read_all(**source).units == units.units);
    EXPECT_TRUE((*source)->read()->empty());
  }
}

TEST_F(MediaSourceTest, TransportStreamsHaveTheUnitsOfTheRawStream) {
  const auto ts = make_clip({.name = "clip.ts", .slices = 2, .audio = true});
  auto source = open_media(ts);
  ASSERT_TRUE(source) << source.error().what;
  EXPECT_EQ((*source)->info().format, ClipFormat::mpeg_ts);
  auto raw = open_media(remux(ts, "clip.h264"));
  ASSERT_TRUE(raw);
  EXPECT_TRUE(read_all(**source).units == read_all(**raw).units);
}

TEST_F(MediaSourceTest, CutFilesGiveWhatIsWhole) {
  const auto mkv = make_clip({.name = "clip.mkv"});
  auto source = open_media(mkv);
  const auto whole = read_all(**source);
  const auto bytes = read_file(mkv, 1 << 24).value();
  ASSERT_TRUE(write_file_atomically(folder_ / "cut.mkv", BytesView(bytes).first(bytes.size() / 2)));
  auto cut = open_media(folder_ / "cut.mkv");
  ASSERT_TRUE(cut) << cut.error().what;
  const auto part = read_all(**cut);
  ASSERT_LT(part.units.size(), whole.units.size());
  ASSERT_GT(part.units.size(), 10u);
  EXPECT_TRUE(std::equal(part.units.begin(), part.units.end(), whole.units.begin()));
}

TEST_F(MediaSourceTest, OtherFilesAreRefused) {
  ASSERT_TRUE(write_file_atomically(folder_ / "text.mkv", as_bytes("#EXTM3U\nfile:///etc/passwd\n")));
  EXPECT_EQ(open_foreign(folder_ / "text.mkv").error().code, Errc::malformed);
  EXPECT_EQ(open_media(folder_ / "none.mkv").error().code, Errc::not_found);
  const auto audio = folder_ / "audio.mkv";
  ASSERT_EQ(test::run("ffmpeg -loglevel error -f lavfi -i sine=duration=1 " + audio.string()).status, 0);
  EXPECT_EQ(open_media(audio).error().code, Errc::unsupported);
  // Video that we do not know, with a decoder that would start threads.
  const auto vp9 = folder_ / "vp9.mkv";
  const auto made = test::run(
      "ffmpeg -loglevel error -f lavfi -i testsrc2=size=128x96:rate=25:duration=0.2 -c:v libvpx-vp9 "
      "-deadline realtime " +
      vp9.string());
  ASSERT_EQ(made.status, 0) << made.output;
  const auto opened = open_media(vp9);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::unsupported) << opened.error().what;
}

// What libavformat does with hostile bytes happens in the child: the caller gets units or an error.
TEST_F(MediaSourceTest, HostileFilesNeverHurtTheCaller) {
  const auto mkv = make_clip({.name = "clip.mkv", .seconds = 0.4, .size = "64x64", .audio = true});
  const auto good = read_file(mkv, 1 << 24).value();
  constexpr int kMutations = 200;
  constexpr unsigned kSeed = 20261121;
  std::mt19937 random(kSeed);
  const auto pick = [&](std::size_t below) { return static_cast<std::size_t>(random() % below); };
  int readable = 0;
  for (int i = 0; i < kMutations; ++i) {
    auto bytes = good;
    const auto kind = i % 4;
    // The structure lies at the beginning: half of the damage goes there.
    const auto area = i % 2 == 0 ? std::min<std::size_t>(bytes.size(), 1000) : bytes.size();
    if (kind == 0) bytes.resize(pick(bytes.size()) + 1);
    if (kind == 1)
      for (int n = 0; n < 30; ++n) bytes[pick(area)] = static_cast<std::uint8_t>(random());
    if (kind == 2) bytes[pick(area)] ^= static_cast<std::uint8_t>(1u << pick(8));
    if (kind == 3)
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(pick(area)),
                  std::min<std::size_t>(8, bytes.size() - area), std::uint8_t{0xff});
    if (kind == 3)
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(pick(area)), 16,
                   static_cast<std::uint8_t>(random()));
    const auto path = folder_ / "hostile.mkv";
    ASSERT_TRUE(write_file_atomically(path, bytes));
    auto source = open_foreign(path);
    if (!source) continue;
    ++readable;
    read_all(**source);
  }
  RecordProperty("readable", readable);
  EXPECT_GT(readable, kMutations / 10);
}

}  // namespace
}  // namespace camvault::container

#include "camvault/container/writer.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "camvault/codec/clip.h"
#include "clip_source.h"
#include "media.h"

namespace camvault::container {
namespace {

using codec::Codec;
using test::MediaTest;

struct Picture {
  std::vector<Bytes> units;
  bool keyframe = false;
};

class WriterTest : public MediaTest {
 protected:
  std::vector<Picture> pictures(const test::ClipRecipe& recipe) {
    auto source = open_source(make_clip(recipe), {});
    EXPECT_TRUE(source) << (source ? "" : source.error().what);
    std::vector<Picture> result;
    while (source) {
      const auto sample = (*source)->next();
      if (!sample || !*sample) break;
      Picture picture;
      for (const auto unit : (*sample)->units) picture.units.push_back(to_bytes(unit));
      picture.keyframe = (*sample)->packet.keyframe;
      result.push_back(std::move(picture));
    }
    EXPECT_EQ(result.size(), 50u);
    return result;
  }

  static Status write(ClipWriter& writer, const Picture& picture, std::int64_t index) {
    const std::vector<BytesView> views(picture.units.begin(), picture.units.end());
    AccessUnit unit;
    unit.units = views;
    unit.pts = unit.dts = index * 3600;
    unit.keyframe = picture.keyframe;
    return writer.write(unit);
  }

  static std::vector<Bytes> units_of(const std::filesystem::path& path, codec::ClipFormat format) {
    const auto file = MappedFile::open(path).value();
    auto clip = codec::open_clip(file.bytes());
    EXPECT_TRUE(clip) << (clip ? "" : clip.error().what);
    std::vector<Bytes> units;
    if (!clip) return units;
    EXPECT_EQ((*clip)->info().format, format);
    for (;;) {
      const auto run = (*clip)->read();
      if (!run || run->empty()) return units;
      for (const auto& unit : *run) units.push_back(to_bytes(unit.bytes));
    }
  }
};

TEST_F(WriterTest, FormatsGoByTheName) {
  EXPECT_EQ(format_of_name("a.MP4").value(), FileFormat::mp4);
  EXPECT_EQ(format_of_name("a.mkv").value(), FileFormat::matroska);
  EXPECT_EQ(format_of_name("a.265").value(), FileFormat::annex_b);
  EXPECT_EQ(codec_of_name("x/a.hevc"), Codec::h265);
  EXPECT_EQ(format_of_name("a.avi").error().code, Errc::usage);
  EXPECT_EQ(format_of_name("mp4").error().code, Errc::usage);
}

TEST_F(WriterTest, IndexedAndFragmentedFilesHoldTheSameUnits) {
  for (const auto* codec : {"h264", "h265"}) {
    const std::string raw = std::string("clip.") + codec;
    const auto all = pictures({.name = raw, .codec = codec, .slices = 2});
    std::vector<Bytes> units;
    for (const auto& picture : all) units.insert(units.end(), picture.units.begin(), picture.units.end());
    for (const bool index : {true, false}) {
      const auto path = folder_ / "out.mp4";
      WriterOptions options;
      options.codec = std::string(codec) == "h264" ? Codec::h264 : Codec::h265;
      options.index_at_end = index;
      auto writer = create_clip(path, options);
      ASSERT_TRUE(writer) << writer.error().what;
      for (std::size_t i = 0; i < all.size(); ++i) {
        const auto status = write(**writer, all[i], static_cast<std::int64_t>(i));
        ASSERT_TRUE(status) << status.error().what;
      }
      const auto status = (*writer)->finish();
      ASSERT_TRUE(status) << status.error().what;
      EXPECT_TRUE(units_of(path, index ? codec::ClipFormat::mp4 : codec::ClipFormat::fragmented_mp4) ==
                  units);
      EXPECT_EQ(frame_hashes(path), frame_hashes(folder_ / raw));
      EXPECT_EQ(probe(path,
                      "-select_streams v -show_entries "
                      "stream=codec_tag_string,width,height,nb_read_packets,duration -count_packets"),
                std::string(options.codec == Codec::h264 ? "avc1" : "hvc1") + ",320,240,2.000000,50\n");
      EXPECT_EQ((*writer)->finish().error().code, Errc::usage);
    }
  }
}

// GStreamer reads them, too.
TEST_F(WriterTest, GStreamerPlaysTheIndexedFile) {
  const auto all = pictures({.name = "clip.h264"});
  const auto path = folder_ / "out.mp4";
  auto writer = create_clip(path, {});
  ASSERT_TRUE(writer);
  for (std::size_t i = 0; i < all.size(); ++i)
    ASSERT_TRUE(write(**writer, all[i], static_cast<std::int64_t>(i)));
  ASSERT_TRUE((*writer)->finish());
  const auto result =
      test::run("gst-launch-1.0 -q filesrc location=" + path.string() +
                " ! qtdemux ! h264parse ! avdec_h264 ! filesink location=" + (folder_ / "raw.yuv").string());
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(std::filesystem::file_size(folder_ / "raw.yuv"), 50u * 320u * 240u * 3u / 2u);
}

TEST_F(WriterTest, AKilledWriterLeavesAFileThatPlays) {
  const auto all = pictures({.name = "clip.h264", .gop = 10});
  const auto path = folder_ / "killed.mp4";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const auto pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    auto writer = create_clip(path, {});
    bool good = writer.has_value();
    for (std::size_t i = 0; i < 45 && good; ++i)
      good = write(**writer, all[i], static_cast<std::int64_t>(i)).has_value();
    if (good && ::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  ::close(ready[1]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  // Four whole GOPs of ten pictures; the fifth was in memory.
  const auto hashes = frame_hashes(path);
  EXPECT_EQ(std::count(hashes.begin(), hashes.end(), '\n'), 40);
  EXPECT_EQ(units_of(path, codec::ClipFormat::fragmented_mp4).size(), [&] {
    std::size_t units = 0;
    for (std::size_t i = 0; i < 40; ++i) units += all[i].units.size();
    return units;
  }());
}

TEST_F(WriterTest, WritersSayWhatIsWrong) {
  const auto all = pictures({.name = "clip.h264"});
  auto writer = create_clip(folder_ / "a.mp4", {});
  ASSERT_TRUE(writer);
  EXPECT_EQ(write(**writer, all[1], 0).error().code, Errc::malformed);  // no parameter sets
  EXPECT_EQ(create_clip(folder_ / "none" / "a.mp4", {}).error().code, Errc::not_found);
  EXPECT_EQ(create_clip(folder_, {}).error().code, Errc::io);
  auto empty = create_clip(folder_ / "b.mp4", {});
  ASSERT_TRUE(empty);
  EXPECT_EQ((*empty)->finish().error().code, Errc::usage);
  EXPECT_EQ(create_clip("/dev/null", {}).error().code, Errc::usage);  // no place to seek in
}

}  // namespace
}  // namespace camvault::container

#include "camvault/container/thumbnail.h"

#include <random>

#include "camvault/codec/clip.h"
#include "media.h"

namespace camvault::container {
namespace {

using test::MediaTest;

class ThumbnailTest : public MediaTest {
 protected:
  // Mean brightness of a JPEG, by ffmpeg; and its size.
  double brightness(const Bytes& jpeg) {
    const auto path = folder_ / "thumb.jpg";
    const auto raw = folder_ / "thumb.gray";
    EXPECT_TRUE(write_file_atomically(path, jpeg));
    const auto result = test::run("ffmpeg -y -loglevel error -i " + path.string() +
                                  " -f rawvideo -pix_fmt gray " + raw.string());
    EXPECT_EQ(result.status, 0) << result.output;
    const auto pixels = read_file(raw, 1 << 24).value();
    double sum = 0;
    for (const auto pixel : pixels) sum += pixel;
    return sum / static_cast<double>(std::max<std::size_t>(pixels.size(), 1));
  }

  // A clip whose picture n (in display order) has brightness 16 + 4 n: the picture shows its number.
  std::filesystem::path numbered_clip(const std::string& name, const std::string& encoder) {
    const auto path = folder_ / name;
    const auto result = test::run(
        "ffmpeg -loglevel error -y -f lavfi -i "
        "\"color=black:size=160x120:rate=25:duration=2,format=yuv420p,geq=lum='16+4*N':cb=128:cr=128\" " +
        encoder + " " + path.string());
    EXPECT_EQ(result.status, 0) << result.output;
    return path;
  }
};

TEST_F(ThumbnailTest, ShowTheRightPictures) {
  for (const auto& [name, encoder] :
       {std::pair<const char*, const char*>{"a.mp4", "-c:v libx264 -x264-params keyint=10:bframes=0"},
        {"a.h264", "-c:v libx264 -x264-params keyint=10:bframes=0"},
        {"b.mp4", "-c:v libx265 -x265-params keyint=10:bframes=0:log-level=none -tag:v hvc1"},
        {"a.mkv", "-c:v libx264 -x264-params keyint=10:bframes=0:slices=3"}}) {
    const auto clip = numbered_clip(name, encoder);
    const std::uint64_t wanted[] = {0, 3, 17, 18, 49, 50, 1000};
    ThumbnailOptions options;
    options.width = 64;
    const auto thumbnails = make_thumbnails(clip, wanted, options);
    ASSERT_TRUE(thumbnails) << thumbnails.error().what;
    EXPECT_EQ(thumbnails->incomplete, "") << name;
    ASSERT_EQ(thumbnails->jpeg.size(), 5u) << name;
    for (const auto& [picture, jpeg] : thumbnails->jpeg) {
      // Full range in JPEG: (16 + 4 n - 16) * 255 / 219.
      EXPECT_NEAR(brightness(jpeg), static_cast<double>(picture) * 4 * 255 / 219, 6)
          << name << " picture " << picture;
    }
  }
}

// Decoding order, not display order: x264 codes 0, then the last of a group of B-frames.
TEST_F(ThumbnailTest, CountInDecodingOrder) {
  const auto clip =
      numbered_clip("b.mp4", "-c:v libx264 -x264-params keyint=25:bframes=2:b-adapt=0:b-pyramid=0");
  const std::uint64_t wanted[] = {0, 1, 2, 3};
  const auto thumbnails = make_thumbnails(clip, wanted);
  ASSERT_TRUE(thumbnails) << thumbnails.error().what;
  ASSERT_EQ(thumbnails->jpeg.size(), 4u);
  const int shown[] = {0, 3, 1, 2};
  for (const auto& [picture, jpeg] : thumbnails->jpeg) {
    EXPECT_NEAR(brightness(jpeg), shown[picture] * 4 * 255.0 / 219, 4) << picture;
  }
}

TEST_F(ThumbnailTest, PicturesAreFoundByOffset) {
  const auto path = make_clip({.slices = 2});
  const auto file = MappedFile::open(path).value();
  auto clip = codec::open_clip(file.bytes()).value();
  std::vector<std::uint64_t> offsets;
  std::vector<bool> first;
  for (;;) {
    const auto run = clip->read().value();
    if (run.empty()) break;
    for (const auto& unit : run) {
      offsets.push_back(unit.offset);
    }
  }
  // SEI of x264, then two slices a picture.
  ASSERT_EQ(offsets.size(), 101u);
  const std::uint64_t places[] = {offsets[0], offsets[1],   offsets[2],
                                  offsets[3], offsets[100], offsets[100] + 1};
  const auto pictures = pictures_at(path, places);
  ASSERT_TRUE(pictures) << pictures.error().what;
  const std::map<std::uint64_t, std::uint64_t> expected = {
      {offsets[0], 0}, {offsets[1], 0}, {offsets[2], 0}, {offsets[3], 1}, {offsets[100], 49}};
  EXPECT_EQ(*pictures, expected);
}

// Somebody altered a picture, removed one, or fed us garbage: the caller lives, and gets what can be shown.
TEST_F(ThumbnailTest, DamagedClipsShowWhatTheDecoderCan) {
  const auto path = make_clip({.name = "clip.h264"});
  const auto good = read_file(path, 1 << 24).value();
  std::mt19937 random(20261121);
  std::size_t shown = 0;
  for (int i = 0; i < 30; ++i) {
    auto bytes = good;
    for (int n = 0; n < 20; ++n)
      bytes[200 + random() % (bytes.size() - 200)] = static_cast<std::uint8_t>(random());
    ASSERT_TRUE(write_file_atomically(folder_ / "bad.h264", bytes));
    const std::uint64_t wanted[] = {0, 10, 24, 30, 48};
    const auto thumbnails = make_thumbnails(folder_ / "bad.h264", wanted);
    ASSERT_TRUE(thumbnails) << thumbnails.error().what;
    shown += thumbnails->jpeg.size();
  }
  EXPECT_GT(shown, 100u);
}

TEST_F(ThumbnailTest, LimitsAndErrors) {
  const std::uint64_t one[] = {0};
  EXPECT_EQ(make_thumbnails(folder_ / "none.mp4", one).error().code, Errc::not_found);
  const auto path = make_clip({});
  ThumbnailOptions options;
  options.width = 5000;
  EXPECT_EQ(make_thumbnails(path, one, options).error().code, Errc::usage);
  EXPECT_EQ(make_thumbnails(path, std::vector<std::uint64_t>(201, 0)).error().code, Errc::limit);
  EXPECT_TRUE(make_thumbnails(path, {})->jpeg.empty());
  options = {};
  options.patience = std::chrono::milliseconds(0);
  const auto late = make_thumbnails(path, one, options);
  ASSERT_TRUE(late);
  EXPECT_TRUE(late->jpeg.empty());
  EXPECT_FALSE(late->incomplete.empty());
}

}  // namespace
}  // namespace camvault::container

#include "camvault/camera/camera.h"

#include <gtest/gtest.h>

#include "camvault/base/file.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"
#include "library_leaks.h"

namespace camvault::camera {
namespace {

using codec::Codec;
using test_support::run_program;

// Stands still, and then jumps back: capture times must bear it.
class TestClock final : public Clock {
 public:
  Timestamp now() const override { return from_unix_seconds(1'790'000'000); }
};

struct Seen {
  std::vector<std::vector<Bytes>> pictures;
  std::vector<CapturedPicture> info;  // without units
};

class CameraTest : public testing::Test {
 protected:
  std::filesystem::path clip(const char* name, std::vector<std::string> arguments) {
    const auto path = folder_.path() / name;
    std::vector<std::string> command = {"ffmpeg", "-loglevel", "error", "-y"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    command.push_back(path.string());
    const auto result = run_program(command);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return path;
  }
  std::filesystem::path video(const char* name, const char* encoder = "libx264") {
    return clip(name, {"-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=1", "-f", "lavfi", "-i",
                       "sine=duration=1", "-c:v", encoder, "-g", "25", "-bf", "2"});
  }

  Result<Seen> see(CameraOptions options, const std::stop_token& stop = {}) {
    CAM_TRY(auto camera, Camera::create(std::move(options), clock_));
    Seen seen;
    CAM_TRY_STATUS(camera.run(
        [&](const CapturedPicture& picture) {
          std::vector<Bytes> units;
          for (const auto unit : picture.units) units.push_back(to_bytes(unit));
          seen.pictures.push_back(std::move(units));
          seen.info.push_back(picture);
          seen.info.back().units = {};
          return ok();
        },
        stop));
    return seen;
  }

  test_support::TemporaryFolder folder_;
  TestClock clock_;
};

CameraOptions small(std::string source) {
  CameraOptions options;
  options.source = std::move(source);
  options.width = 320;
  options.height = 240;
  return options;
}

TEST_F(CameraTest, TheTestPictureIsWhatWasAskedFor) {
  auto options = small("test");
  options.frames_per_second = 10;
  options.key_interval = std::chrono::milliseconds(500);
  options.duration = std::chrono::seconds(1);
  options.slices = 3;
  const auto seen = see(std::move(options));
  ASSERT_TRUE(seen) << seen.error().what;
  ASSERT_EQ(seen->pictures.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(seen->info[i].keyframe, i % 5 == 0) << i;
    EXPECT_EQ(seen->info[i].pts, std::chrono::milliseconds(100) * i);
    EXPECT_LE(seen->info[i].dts, seen->info[i].pts);
    std::size_t slices = 0;
    std::size_t sets = 0;
    for (const auto& unit : seen->pictures[i]) {
      const auto info = codec::classify(Codec::h264, unit);
      slices += info.kind == codec::UnitKind::slice;
      sets += info.kind == codec::UnitKind::parameter_set;
    }
    EXPECT_EQ(slices, 3u);
    EXPECT_EQ(sets, i % 5 == 0 ? 2u : 0u);
    // By the given clock, a little before the moment it arrived.
    EXPECT_LE(seen->info[i].time, clock_.now());
    EXPECT_GT(seen->info[i].time, clock_.now() - std::chrono::seconds(3));
  }
}

TEST_F(CameraTest, FilesAreEncodedAtTheirOwnSpeed) {
  const auto path = video("in.mp4");
  const auto begin = std::chrono::steady_clock::now();
  const auto seen = see(small(path.string()));
  ASSERT_TRUE(seen) << seen.error().what;
  EXPECT_EQ(seen->pictures.size(), 25u);
  EXPECT_EQ(seen->info[0].codec, Codec::h264);
  EXPECT_GT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900));
  auto h265 = small(path.string());
  h265.codec = Codec::h265;
  const auto other = see(std::move(h265));
  ASSERT_TRUE(other) << other.error().what;
  EXPECT_EQ(other->pictures.size(), 25u);
  EXPECT_EQ(other->info[0].codec, Codec::h265);
}

TEST_F(CameraTest, FilesCanPassThrough) {
  for (const auto& [name, encoder, codec] :
       {std::tuple<const char*, const char*, Codec>{"a.mp4", "libx264", Codec::h264},
        {"b.mkv", "libx265", Codec::h265}}) {
    const auto path = video(name, encoder);
    auto options = small(path.string());
    options.pass_through = true;
    const auto seen = see(std::move(options));
    ASSERT_TRUE(seen) << name << ": " << seen.error().what;
    EXPECT_EQ(seen->pictures.size(), 25u);
    EXPECT_EQ(seen->info[0].codec, codec);
    // B-frames: decoding times grow, presentation times do not.
    bool reordered = false;
    for (std::size_t i = 1; i < seen->info.size(); ++i) {
      EXPECT_GT(seen->info[i].dts, seen->info[i - 1].dts);
      EXPECT_GE(seen->info[i].pts, seen->info[i].dts);
      reordered = reordered || seen->info[i].pts < seen->info[i - 1].pts;
    }
    EXPECT_TRUE(reordered);
  }
}

TEST_F(CameraTest, StopsWhenAsked) {
  auto camera = Camera::create(small("test"), clock_);
  ASSERT_TRUE(camera) << camera.error().what;
  std::stop_source stop;
  std::size_t pictures = 0;
  const auto status = camera->run(
      [&](const CapturedPicture&) {
        if (++pictures == 20) stop.request_stop();
        return ok();
      },
      stop.get_token());
  EXPECT_TRUE(status) << status.error().what;
  EXPECT_GE(pictures, 20u);
  EXPECT_LT(pictures, 40u);
  EXPECT_EQ(camera->run([](const CapturedPicture&) { return ok(); }).error().code, Errc::usage);
}

TEST_F(CameraTest, ErrorsOfTheCallbackEndTheRun) {
  auto camera = Camera::create(small("test"), clock_);
  ASSERT_TRUE(camera);
  const auto status =
      camera->run([](const CapturedPicture&) -> Status { return fail(Errc::io, "disk full"); });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().what, "disk full");
}

TEST_F(CameraTest, SourcesThatDoNotWorkSaySo) {
  EXPECT_EQ(see(small((folder_.path() / "none.mp4").string())).error().code, Errc::not_found);
  ASSERT_TRUE(write_file_atomically(folder_.path() / "text.mp4",
                                    as_bytes("this is no video, only a few words of text\n")));
  const auto text = see(small((folder_.path() / "text.mp4").string()));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Errc::unavailable) << text.error().what;
  const auto sound = clip("sound.mp4", {"-f", "lavfi", "-i", "sine=duration=1"});
  const auto no_video = see(small(sound.string()));
  ASSERT_FALSE(no_video);
  EXPECT_NE(no_video.error().what.find("no video"), std::string::npos) << no_video.error().what;
  const auto device = see(small("v4l2:/dev/video99"));
  ASSERT_FALSE(device);
  EXPECT_NE(device.error().what.find("/dev/video99"), std::string::npos) << device.error().what;
  const auto network = see(small("rtsp://user:secret@127.0.0.1:1/"));
  ASSERT_FALSE(network);
  EXPECT_EQ(network.error().what.find("secret"), std::string::npos) << network.error().what;
}

}  // namespace
}  // namespace camvault::camera

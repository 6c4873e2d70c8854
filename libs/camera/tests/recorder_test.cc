#include "camvault/camera/recorder.h"

#include "recorder_fixture.h"

namespace camvault::camera {
namespace {

using codec::Codec;

struct Case {
  const char* name;
  Codec codec;
  std::uint32_t slices;
  std::uint32_t b_frames;
  const char* file;
};

// Instead of the bytes of it.
void PrintTo(const Case& test, std::ostream* out) {
  *out << test.name;
}

class RecorderCases : public test::RecorderTest, public testing::WithParamInterface<Case> {};

// AX-4.1-1, AX-4.1-2, IP-4.2-1
TEST_P(RecorderCases, WhatTheTestCameraRecordsIsAuthenticAndPlays) {
  const auto& param = GetParam();
  CameraOptions camera_options;
  camera_options.codec = param.codec;
  camera_options.slices = param.slices;
  camera_options.b_frames = param.b_frames;
  camera_options.width = 640;
  camera_options.height = 360;
  camera_options.duration = std::chrono::seconds(3);
  auto camera = Camera::create(std::move(camera_options), clock_);
  ASSERT_TRUE(camera) << camera.error().what;
  const auto key = make_key();
  auto recorder = Recorder::create(*engine_, key, options(param.file));

  ASSERT_TRUE(recorder) << recorder.error().what;
  const auto before = clock_.now();
  std::uint64_t calls = 0;
  const auto status = record(*camera, *recorder, [&](const RecorderProgress&) { ++calls; });
  ASSERT_TRUE(status) << status.error().what;
  const auto progress = recorder->progress();
  if (param.b_frames == 0) {
    EXPECT_EQ(progress.pictures, 75u);
    EXPECT_EQ(progress.gops, 3u);
  } else {  // the encoder's decoding times begin where it likes
    EXPECT_GE(progress.pictures, 72u);
    EXPECT_LE(progress.pictures, 78u);
  }
  EXPECT_EQ(calls, progress.pictures);
  EXPECT_GE(progress.signer.seis_signed, 3u);
  EXPECT_GE(progress.last_time, before);
  EXPECT_LE(progress.last_time, clock_.now());
  const auto path = folder_.path() / param.file;
  EXPECT_EQ(progress.bytes > 0, true);
  const auto report = verify(path);
  EXPECT_EQ(report.verdict, signed_video::Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.provenance, signed_video::Provenance::trusted) << report.provenance_reason;
  // In a raw stream an SEI behind the last picture counts as an access unit without one.
  if (path.extension() != ".h264") expect_plays(path);
}

INSTANTIATE_TEST_SUITE_P(All, RecorderCases,
                         testing::Values(Case{"h264", Codec::h264, 1, 0, "a.mp4"},
                                         Case{"h265", Codec::h265, 1, 0, "a.mp4"},
                                         Case{"h264_slices", Codec::h264, 4, 0, "a.mp4"},
                                         Case{"h264_b_frames", Codec::h264, 1, 2, "a.mp4"},
                                         Case{"h264_raw", Codec::h264, 1, 0, "a.h264"}),
                         [](const auto& test) { return test.param.name; });

class RecorderSlowKey : public test::RecorderTest {};

// A key that takes longer than a GOP: video goes on, signatures come later, and all of it is covered in the
// end.
TEST_F(RecorderSlowKey, NeverHoldsThePicturesUp) {
  CameraOptions camera_options;
  camera_options.width = 320;
  camera_options.height = 240;
  camera_options.key_interval = std::chrono::milliseconds(200);
  camera_options.duration = std::chrono::seconds(2);
  auto camera = Camera::create(std::move(camera_options), clock_);
  ASSERT_TRUE(camera);
  const auto key = make_key(std::chrono::milliseconds(300));
  auto recorder = Recorder::create(*engine_, key, options("slow.mp4"));
  ASSERT_TRUE(recorder);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(camera->run([&](const CapturedPicture& picture) {
    const auto before = std::chrono::steady_clock::now();
    auto status = recorder->add(picture);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(250));
    return status;
  }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  ASSERT_TRUE(recorder->finish());
  const auto report = verify(folder_.path() / "slow.mp4");
  EXPECT_EQ(report.verdict, signed_video::Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(recorder->add({}).error().code, Errc::usage);
  EXPECT_EQ(recorder->finish().error().code, Errc::usage);
}

TEST_F(RecorderSlowKey, SaysWhatIsWrong) {
  const auto key = make_key();
  EXPECT_EQ(Recorder::create(*engine_, key, options("a.avi")).error().code, Errc::usage);
  EXPECT_EQ(Recorder::create(*engine_, nullptr, options("a.mp4")).error().code, Errc::usage);
  auto recorder = Recorder::create(*engine_, key, options("a.h265"));
  ASSERT_TRUE(recorder);
  EXPECT_EQ(recorder->finish().error().code, Errc::usage);
  auto other = Recorder::create(*engine_, key, options("a.h265"));
  ASSERT_TRUE(other);
  CapturedPicture picture;
  const Bytes unit = {0x65, 0x88};
  const BytesView units[] = {unit};
  picture.units = units;
  EXPECT_EQ(other->add(picture).error().code, Errc::usage);  // H.264 into .h265
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "a.h265"));
}

}  // namespace
}  // namespace camvault::camera

#include "source.h"

#include <gtest/gtest.h>

namespace camvault::camera {
namespace {

using codec::Codec;

CameraOptions from(std::string source) {
  CameraOptions options;
  options.source = std::move(source);
  return options;
}

std::string text_of(const Secret& secret) {
  return secret.reveal([](BytesView bytes) { return std::string(as_text(bytes)); });
}

TEST(Source, KindsAreToldApart) {
  EXPECT_EQ(read_source(from("test"))->kind, SourceKind::test);
  const auto device = read_source(from("v4l2:/dev/video2"));
  ASSERT_TRUE(device);
  EXPECT_EQ(device->kind, SourceKind::v4l2);
  EXPECT_EQ(device->location, "/dev/video2");
  const auto file = read_source(from("recordings/a:b.mp4"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->kind, SourceKind::file);
  EXPECT_EQ(file->location, "recordings/a:b.mp4");
  for (const auto* text :
       {"", "v4l2:video0", "http://camera/stream", "rtsp://", "rtsps:///path", "rtsp://:554/"}) {
    EXPECT_EQ(read_source(from(text)).error().code, Errc::usage) << text;
  }
}

// Passwords are in no URL that is kept, shown or handed on.
TEST(Source, PasswordsAreTakenOutOfUrls) {
  auto source = read_source(from("rtsps://view%40er:p%3ass%40w@camera.example:322/stream?profile=a@b"));
  ASSERT_TRUE(source) << source.error().what;
  EXPECT_EQ(source->location, "rtsps://camera.example:322/stream?profile=a@b");
  EXPECT_EQ(source->user, "view@er");
  EXPECT_EQ(text_of(source->password), "p:ss@w");
  EXPECT_TRUE(source->tls);
  // One given apart counts more.
  auto options = from("rtsp://old:older@camera/");
  options.user = "new";
  options.password = Secret(as_bytes("newer"));
  source = read_source(options);
  ASSERT_TRUE(source);
  EXPECT_EQ(source->user, "new");
  EXPECT_EQ(text_of(source->password), "newer");
  EXPECT_FALSE(source->tls);
  // An @ behind the authority is part of the path.
  EXPECT_EQ(read_source(from("rtsp://camera/a@b"))->location, "rtsp://camera/a@b");
  const auto bad = read_source(from("rtsp://user:se%zzcret@camera/"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().what.find("cret"), std::string::npos);
}

TEST(Source, OptionsAreChecked) {
  EXPECT_TRUE(check_options({}));
  CameraOptions options;
  options.width = 1281;
  EXPECT_EQ(check_options(options).error().code, Errc::usage);
  options = {};
  options.frames_per_second = 0;
  EXPECT_EQ(check_options(options).error().code, Errc::usage);
  options = {};
  options.slices = 65;
  EXPECT_EQ(check_options(options).error().code, Errc::usage);
  options = {};
  options.duration = std::chrono::milliseconds(0);
  EXPECT_EQ(check_options(options).error().code, Errc::usage);
  options = {};
  options.kbit_per_second = 1;
  EXPECT_EQ(check_options(options).error().code, Errc::usage);
}

// Pipelines are made of numbers and our own words: nothing from outside stands in them.
TEST(Source, DescriptionsHoldNoForeignText) {
  auto options = from("rtsp://user:password@camera/ ! filesink location=/tmp/x");
  options.user = "! fakesink";
  for (const auto kind : {SourceKind::test, SourceKind::file, SourceKind::v4l2, SourceKind::rtsp}) {
    const auto text = head_description(kind, options) + encode_description(Codec::h264, options) +
                      pass_description(Codec::h265);
    EXPECT_EQ(text.find("filesink"), std::string::npos);
    EXPECT_EQ(text.find("fakesink"), std::string::npos);
    EXPECT_EQ(text.find("password"), std::string::npos);
  }
}

TEST(Source, EveryNeededElementNamesItsPackage) {
  for (const auto kind : {SourceKind::test, SourceKind::file, SourceKind::v4l2, SourceKind::rtsp}) {
    for (const auto& element : needed_elements(kind, {})) {
      EXPECT_TRUE(element.package.rfind("gstreamer1.0-", 0) == 0 ||
                  element.package.rfind("libgstreamer", 0) == 0)
          << element.name;
    }
  }
}

}  // namespace
}  // namespace camvault::camera

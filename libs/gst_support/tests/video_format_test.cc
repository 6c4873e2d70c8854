// Buffers of every framing give the same units; hostile ones are refused.
#include "camvault/gst_support/video_format.h"

#include <gtest/gtest.h>

#include "camvault/gst_support/handles.h"
#include "camvault/gst_support/times.h"

namespace camvault::gst_support {
namespace {

class VideoFormatTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
};

Result<VideoFormat> format_of_text(const char* text) {
  const CapsPtr caps(gst_caps_from_string(text));
  return format_of(*caps);
}

TEST_F(VideoFormatTest, CapsNameCodecAndFraming) {
  EXPECT_EQ(format_of_text("video/x-h264,stream-format=byte-stream,alignment=au").value(),
            (VideoFormat{codec::Codec::h264, 0}));
  EXPECT_EQ(
      format_of_text("video/x-h264,stream-format=avc,alignment=au,codec_data=(buffer)014d0028ff").value(),
      (VideoFormat{codec::Codec::h264, 4}));
  EXPECT_EQ(
      format_of_text("video/x-h264,stream-format=avc,alignment=au,codec_data=(buffer)014d0028fd").value(),
      (VideoFormat{codec::Codec::h264, 2}));
  EXPECT_EQ(format_of_text("video/"
                           "x-h265,stream-format=hvc1,alignment=au,codec_data=(buffer)"
                           "0101600000009000000000005df000fcfdf8f800000f")
                .value(),
            (VideoFormat{codec::Codec::h265, 4}));
}

TEST_F(VideoFormatTest, ParameterSetsOfTheCapsAreGiven) {
  // ISO/IEC 14496-15 5.3.3.1.2: one SPS, one PPS; cut short, what is whole stays.
  const auto caps = [](const std::string& sets) {
    return "video/x-h264,stream-format=avc,alignment=au,codec_data=(buffer)014d0028ff" + sets;
  };
  const Bytes first{0x67, 0x42, 0x00, 0x1e, 0x95};
  const Bytes second{0x68, 0xce, 0x3c, 0x80};
  EXPECT_EQ(format_of_text(caps("e100056742001e9501000468ce3c80").c_str())->header_units,
            (std::vector{first, second}));
  EXPECT_EQ(format_of_text(caps("e100056742001e9501000468ce3c").c_str())->header_units,
            std::vector<Bytes>{first});
}

TEST_F(VideoFormatTest, CapsThatSayTooLittleAreRefused) {
  EXPECT_EQ(format_of_text("video/x-vp9").error().code, Errc::unsupported);
  EXPECT_EQ(format_of_text("video/x-h264").error().code, Errc::unsupported);
  EXPECT_EQ(format_of_text("video/x-h264,stream-format=avc").error().code, Errc::malformed);
  EXPECT_EQ(format_of_text("video/x-h264,stream-format=avc,codec_data=(buffer)014d0028").error().code,
            Errc::malformed);
  EXPECT_EQ(format_of_text("video/x-h265,stream-format=hvc1,codec_data=(buffer)014d0028ff").error().code,
            Errc::malformed);
}

TEST_F(VideoFormatTest, UnitsComeBackFromEveryFraming) {
  const std::vector<Bytes> units{{0x67, 1, 2}, {0x65, 0x88, 3, 4, 5}};
  for (const std::uint8_t length_size : std::initializer_list<std::uint8_t>{0, 1, 2, 4}) {
    const VideoFormat format{codec::Codec::h264, length_size};
    Bytes buffer;
    std::vector<std::size_t> begins;
    for (const auto& unit : units) {
      begins.push_back(buffer.size());
      append(buffer, framed(unit, format).value());
    }
    std::vector<PlacedUnit> found;
    ASSERT_TRUE(split(buffer, format, found));
    ASSERT_EQ(found.size(), units.size());
    for (std::size_t i = 0; i < units.size(); ++i) {
      EXPECT_TRUE(equal(found[i].bytes, units[i]));
      EXPECT_EQ(found[i].begin, begins[i]);
    }
    if (length_size == 0) continue;
    buffer.pop_back();
    EXPECT_EQ(split(buffer, format, found).error().code, Errc::malformed) << int{length_size};
  }
}

TEST_F(VideoFormatTest, AUnitThatDoesNotFitItsLengthIsRefused) {
  EXPECT_TRUE(framed(Bytes(255, 7), {codec::Codec::h264, 1}));
  EXPECT_EQ(framed(Bytes(256, 7), {codec::Codec::h264, 1}).error().code, Errc::limit);
  std::vector<PlacedUnit> found;
  Bytes many;
  for (std::size_t i = 0; i <= kMaxUnits; ++i) append(many, Bytes{1, 0x67});
  EXPECT_EQ(split(many, {codec::Codec::h264, 1}, found).error().code, Errc::limit);
}

TEST_F(VideoFormatTest, TimesOfBuffers) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  EXPECT_EQ(running_time(segment, 5 * GST_MSECOND), std::chrono::milliseconds(5));
  EXPECT_FALSE(running_time(segment, GST_CLOCK_TIME_NONE));
  gst_segment_init(&segment, GST_FORMAT_BYTES);
  EXPECT_FALSE(running_time(segment, 5));
  const BufferPtr buffer(gst_buffer_new());
  EXPECT_FALSE(reference_time(*buffer));
  const CapsPtr ntp(gst_caps_new_empty_simple("timestamp/x-ntp"));
  gst_buffer_add_reference_timestamp_meta(buffer.get(), ntp.get(), 3'988'988'800 * GST_SECOND,
                                          GST_CLOCK_TIME_NONE);
  EXPECT_EQ(reference_time(*buffer), from_unix_seconds(1'780'000'000));
}

}  // namespace
}  // namespace camvault::gst_support

#include "parameter_sets.h"

#include "camvault/codec/annex_b.h"
#include "frame_rate.h"
#include "media.h"
#include "picture_order.h"
#include "raw_stream.h"

namespace camvault::container {
namespace {

using codec::Codec;
using test::MediaTest;

class ParameterSetFiles : public MediaTest {
 protected:
  static Bytes first_sps(BytesView stream, Codec codec) {
    codec::AnnexBReader reader(stream);
    while (const auto unit = reader.next()) {
      if (read_sps(codec, unit->bytes)) return to_bytes(unit->bytes);
    }
    ADD_FAILURE() << "no SPS";
    return {};
  }

  // What an encoder was told, and what we read from its stream.
  void expect_read(Codec codec, const std::string& encoder, const std::string& size, const std::string& rate,
                   double expected_rate, const std::string& format = "yuv420p") {
    const auto path = folder_ / (codec == Codec::h264 ? "a.h264" : "a.h265");
    const auto made =
        test::run("ffmpeg -loglevel error -y -f lavfi -i testsrc2=size=" + size + ":rate=" + rate +
                  ":duration=0.2 -pix_fmt " + format + " " + encoder + " " + path.string());
    ASSERT_EQ(made.status, 0) << made.output;
    const auto stream = read_file(path, 1 << 24).value();
    const auto sps = first_sps(stream, codec);
    const auto read = read_sps(codec, sps);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(std::to_string(read->width) + "x" + std::to_string(read->height), size) << encoder;
    const auto found = read_frame_rate(codec, sps);
    ASSERT_TRUE(found) << encoder;
    EXPECT_NEAR(*found, expected_rate, 0.001) << encoder;
    // Cut anywhere: refused, or read up to the cut and not beyond (the sanitizers watch).
    for (std::size_t cut = 0; cut < sps.size(); ++cut) {
      const Bytes part(sps.begin(), sps.begin() + static_cast<std::ptrdiff_t>(cut));
      if (cut < 6) {
        EXPECT_FALSE(read_sps(codec, part));
        EXPECT_FALSE(read_frame_rate(codec, part));
      }
      (void)read_frame_rate(codec, part);
    }
    EXPECT_FALSE(read_sps(codec == Codec::h264 ? Codec::h265 : Codec::h264, sps));
  }
};

TEST_F(ParameterSetFiles, SizesAndRatesAreReadAsTheyWereAskedFor) {
  expect_read(Codec::h264, "-c:v libx264", "320x240", "25", 25);
  expect_read(Codec::h264, "-c:v libx264 -profile:v baseline", "1920x1080", "30000/1001", 29.97003);
  expect_read(Codec::h264,
              "-c:v libx264 -color_range tv -colorspace bt709 -color_trc bt709 -color_primaries bt709",
              "642x362", "50", 50);
  expect_read(Codec::h264, "-c:v libx264 -x264-params cqm=jvt", "320x240", "15", 15);
  expect_read(Codec::h264, "-c:v libx264", "320x240", "12", 12, "yuv444p");
  expect_read(Codec::h264, "-c:v libx264", "322x240", "12", 12, "yuv422p10le");
  expect_read(Codec::h265, "-c:v libx265 -x265-params log-level=none", "320x240", "25", 25);
  expect_read(Codec::h265, "-c:v libx265 -x265-params log-level=none:bframes=8:b-pyramid=1", "1922x1080",
              "30000/1001", 29.97003);
  expect_read(Codec::h265, "-c:v libx265 -x265-params log-level=none:scaling-list=default:temporal-layers=3",
              "320x242", "60", 60);
  expect_read(Codec::h265, "-c:v libx265 -x265-params log-level=none", "320x240", "10", 10, "yuv444p10le");
}

TEST(DisplayOrder, PicturesFindTheirPlaces) {
  DisplayOrder order;
  std::vector<std::int64_t> places;
  const auto take = [&] {
    while (const auto place = order.pop()) places.push_back(*place);
  };
  // I P B B P B B, then anew.
  for (const auto value : {0, 6, 2, 4, 12, 8, 10}) order.push({value, value == 0});
  take();
  EXPECT_TRUE(places.empty());  // not certain yet
  for (const auto value : {0, 4, 2}) order.push({value, value == 0});
  take();
  EXPECT_EQ(places, (std::vector<std::int64_t>{0, 3, 1, 2, 6, 4, 5}));
  order.finish();
  take();
  EXPECT_EQ(places, (std::vector<std::int64_t>{0, 3, 1, 2, 6, 4, 5, 7, 9, 8}));
}

TEST(DisplayOrder, IsNeverMoreThanSixteenPicturesLate) {
  DisplayOrder order;
  std::size_t places = 0;
  for (std::int64_t i = 0; i < 1000; ++i) {
    order.push({-i, false});  // hostile: backwards for ever
    while (order.pop()) ++places;
  }
  order.finish();
  while (order.pop()) ++places;
  EXPECT_EQ(places, 1000u);
}

TEST(RawStream, AccessUnitsAreToldApart) {
  // H.264: delimiter, SPS, PPS, SEI, IDR in two slices | SEI, P | P | SEI at the end.
  const auto stream = from_hex(
                          "00000001"
                          "09f0"
                          "00000001"
                          "67640000"
                          "000001"
                          "68ee"
                          "000001"
                          "0605"
                          "000001"
                          "6588"
                          "000001"
                          "6500"
                          "000001"
                          "0605"
                          "000001"
                          "4188"
                          "000001"
                          "4188"
                          "000001"
                          "0605")
                          .value();
  AccessUnitReader reader(Codec::h264, stream);
  std::vector<std::size_t> units;
  std::vector<bool> keyframes;
  while (const auto found = reader.next()) {
    units.push_back(found->units.size());
    keyframes.push_back(found->keyframe);
  }
  EXPECT_EQ(units, (std::vector<std::size_t>{6, 2, 2}));
  EXPECT_EQ(keyframes, (std::vector<bool>{true, false, false}));
}

}  // namespace
}  // namespace camvault::container

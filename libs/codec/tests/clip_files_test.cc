// Whole files made by others: ffmpeg's own MP4s, read beside ffmpeg's conversion to a byte stream, and the
// signed clips in the folder of shared vectors. Each is left out, with a line that says so, where it is not
// there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <sstream>

#include "camvault/base/file.h"
#include "camvault/codec/clip.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"
#include "clip_sources.h"
#include "mp4_builder.h"

namespace camvault::codec::test {
namespace {

namespace fs = std::filesystem;

using test_support::run_program;
using test_support::TemporaryFolder;

bool have_ffmpeg() {
  try {
    return run_program({"ffmpeg", "-version"}).exit_code == 0;
  } catch (const std::exception&) {
    return false;
  }
}

// Arguments as words with spaces between them.
test_support::ProgramResult ffmpeg(const std::string& arguments) {
  std::vector<std::string> words{"ffmpeg", "-v", "error", "-y"};
  std::istringstream in(arguments);
  for (std::string word; in >> word;) words.push_back(word);
  return run_program(words);
}

constexpr std::size_t kMaxFile = 64u << 20;

ReadUnits units_of(const Bytes& file) {
  const auto source = open_clip(file);
  EXPECT_TRUE(source) << source.error().what;
  return source ? read_all(**source, file) : ReadUnits{};
}

// ffmpeg's conversion adds parameter sets and delimiters (H.264: also an AUD-free copy of SPS and PPS before
// IDR pictures); what is compared is everything else, in order.
std::vector<std::string> without_parameter_sets(Codec codec, const std::vector<std::string>& units) {
  std::vector<std::string> kept;
  for (const auto& unit : units) {
    const auto kind = classify(codec, from_hex(unit).value()).kind;
    if (kind != UnitKind::parameter_set && kind != UnitKind::delimiter) kept.push_back(unit);
  }
  return kept;
}

struct Made {
  const char* name;
  Codec codec;
  const char* encoder;
  const char* muxer;
  ClipFormat format;
  friend void PrintTo(const Made& made, std::ostream* out) { *out << made.name; }
};

class ClipFromFfmpeg : public testing::TestWithParam<Made> {};

TEST_P(ClipFromFfmpeg, UnitsAreThoseOfTheByteStream) {
  if (!have_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  const auto& made = GetParam();
  const TemporaryFolder folder;
  const auto mp4 = folder / "clip.mp4";
  const auto raw = folder / "clip.raw";
  const auto encoded = ffmpeg(
      "-f lavfi -i testsrc2=size=320x240:rate=25:duration=4 -f lavfi -i sine=duration=4 -g 25 -pix_fmt "
      "yuv420p "
      "-c:a aac " +
      std::string(made.encoder) + " " + made.muxer + " " + mp4.string());
  ASSERT_EQ(encoded.exit_code, 0) << encoded.output;
  const std::string filter =
      made.codec == Codec::h264 ? "h264_mp4toannexb -f h264" : "hevc_mp4toannexb -f hevc";
  const auto converted =
      ffmpeg("-i " + mp4.string() + " -map 0:v -c copy -bsf:v " + filter + " " + raw.string());
  ASSERT_EQ(converted.exit_code, 0) << converted.output;

  const auto file = read_file(mp4, kMaxFile).value();
  const auto stream = read_file(raw, kMaxFile).value();
  const auto source = open_clip(file).value();
  EXPECT_EQ(source->info().format, made.format);
  EXPECT_EQ(source->info().codec, made.codec);
  EXPECT_EQ(source->info().width, 320u);
  EXPECT_EQ(source->info().height, 240u);
  EXPECT_THAT(source->info().not_video, testing::ElementsAre("audio (mp4a)"));
  const auto from_mp4 = read_all(*source, file);
  EXPECT_EQ(from_mp4.error, "");
  EXPECT_EQ(guess_codec(stream), made.codec);
  const auto from_stream = units_of(stream);
  const auto units = without_parameter_sets(made.codec, from_mp4.units);
  const auto expected = without_parameter_sets(made.codec, from_stream.units);
  EXPECT_EQ(units.size(), expected.size());
  EXPECT_TRUE(units == expected);  // without printing megabytes

  std::size_t pictures = 0, groups = 0;
  for (const auto& unit : units) {
    const auto info = classify(made.codec, from_hex(unit).value());
    pictures += info.first_slice;
    groups += info.first_slice && info.gop_start;
  }
  EXPECT_EQ(pictures, 100u);
  EXPECT_EQ(groups, 4u);
  // Every picture has its own instant, 40 ms apart.
  std::map<std::int64_t, int> times;
  for (const auto time : from_mp4.times) ++times[time];
  EXPECT_EQ(times.size(), 100u);
  EXPECT_EQ(times.rbegin()->first - times.begin()->first, 99 * 400'000);
}

constexpr auto* kFragmented = "-movflags frag_keyframe+empty_moov+default_base_moof";
INSTANTIATE_TEST_SUITE_P(
    Ways, ClipFromFfmpeg,
    testing::Values(
        Made{"h264", Codec::h264, "-c:v libx264 -preset veryfast", "", ClipFormat::mp4},
        Made{"h264_slices_faststart", Codec::h264, "-c:v libx264 -preset veryfast -x264-params slices=3",
             "-movflags +faststart", ClipFormat::mp4},
        Made{"h264_fragmented", Codec::h264, "-c:v libx264 -preset veryfast", kFragmented,
             ClipFormat::fragmented_mp4},
        Made{"h264_fragments_with_offsets", Codec::h264, "-c:v libx264 -preset veryfast",
             "-movflags frag_keyframe+empty_moov -frag_duration 300000", ClipFormat::fragmented_mp4},
        Made{"h264_first_part_in_moov", Codec::h264, "-c:v libx264 -preset veryfast",
             "-movflags frag_keyframe", ClipFormat::fragmented_mp4},
        Made{"h265", Codec::h265,
             "-c:v libx265 -preset ultrafast -x265-params keyint=25:scenecut=0:pools=1:info=0", "",
             ClipFormat::mp4},
        Made{"h265_hvc1_fragmented", Codec::h265,
             "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params keyint=25:scenecut=0:pools=1:info=0",
             kFragmented, ClipFormat::fragmented_mp4}),
    [](const auto& parameters) { return std::string(parameters.param.name); });

fs::path vectors() {
  return fs::current_path() / ".." / "shared" / "vectors" / "signed-video";
}

// AX-4.1-2: what signers make reaches the verifier unit by unit.
TEST(ClipFromVectors, SignedClipsAreReadToTheirEnd) {
  if (!fs::is_directory(vectors())) GTEST_SKIP() << "no shared vectors at " << vectors();
  std::size_t files = 0;
  for (const auto* folder : {"onvif", "axis", "shipped"}) {
    for (const auto& entry : fs::directory_iterator(vectors() / folder)) {
      const auto& path = entry.path();
      if (path.extension() != ".mp4" && path.extension() != ".h264") continue;
      SCOPED_TRACE(path.filename());
      const auto file = read_file(path, kMaxFile).value();
      const auto source = open_clip(file).value();
      const bool h265 = path.filename().string().find("h265") != std::string::npos;
      EXPECT_EQ(source->info().codec, h265 ? Codec::h265 : Codec::h264);
      const auto read = read_all(*source, file);
      EXPECT_EQ(read.error, "");
      std::size_t pictures = 0;
      for (const auto& unit : read.units) {
        const auto info = classify(source->info().codec, from_hex(unit).value());
        EXPECT_NE(info.kind, UnitKind::broken);
        EXPECT_NE(info.kind, UnitKind::other);
        pictures += info.first_slice;
      }
      EXPECT_GE(pictures, 20u);
      if (source->info().sample_count > 0) {
        EXPECT_LE(pictures, source->info().sample_count);
      }
      ++files;
    }
  }
  EXPECT_GE(files, 50u);
}

// The number of units counted here from the tables alone, without our reader: each of these files has all
// samples of its video in one mdat, one after the other.
TEST(ClipFromVectors, UnitsByHand) {
  if (!fs::is_directory(vectors())) GTEST_SKIP() << "no shared vectors at " << vectors();
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(vectors() / "onvif")) {
    if (entry.path().extension() != ".mp4") continue;
    SCOPED_TRACE(entry.path().filename());
    const auto file = read_file(entry.path(), kMaxFile).value();
    constexpr std::string_view kMdat = "mdat";
    const auto mdat = std::search(file.begin(), file.end(), kMdat.begin(), kMdat.end());
    ASSERT_NE(mdat, file.end());
    auto at = static_cast<std::size_t>(mdat - file.begin()) + 4;
    const auto number = [&](std::size_t i) {
      return std::size_t{file[i]} << 24 | std::size_t{file[i + 1]} << 16 | std::size_t{file[i + 2]} << 8 |
             file[i + 3];
    };
    const auto end = at - 8 + number(at - 8);
    std::vector<std::string> by_hand;
    while (at + 4 < end) {
      const auto length = number(at);
      ASSERT_LE(at + 4 + length, end);
      by_hand.push_back(to_hex(BytesView(file).subspan(at + 4, length)));
      at += 4 + length;
    }
    EXPECT_EQ(at, end);
    EXPECT_TRUE(units_of(file).units == by_hand);
    ++files;
  }
  EXPECT_GE(files, 20u);
}

}  // namespace
}  // namespace camvault::codec::test

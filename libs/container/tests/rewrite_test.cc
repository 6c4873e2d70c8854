#include "camvault/container/rewrite.h"

#include <gmock/gmock.h>

#include <random>

#include "camvault/codec/clip.h"
#include "camvault/container/writer.h"
#include "clip_source.h"
#include "media.h"

namespace camvault::container {
namespace {

using codec::Codec;
using test::ClipRecipe;
using test::MediaTest;

// Copies what it sees, and keeps it.
class Recorder : public ClipEditor {
 public:
  Status begin(const SourceInfo& source) override {
    source_ = source;
    return ok();
  }
  Result<std::span<const BytesView>> edit(const SourceAccessUnit& access_unit) override {
    std::vector<Bytes> copy;
    for (const auto unit : access_unit.units) copy.push_back(to_bytes(unit));
    pictures_.push_back(std::move(copy));
    times_.push_back(access_unit.time);
    keyframes_.push_back(access_unit.keyframe);
    return access_unit.units;
  }
  Result<std::span<const BytesView>> end() override { return std::span<const BytesView>(); }

  SourceInfo source_;
  std::vector<std::vector<Bytes>> pictures_;
  std::vector<Ticks> times_;
  std::vector<bool> keyframes_;
};

// Puts an SEI before each first slice and another one at the end of the clip.
class Inserter final : public Recorder {
 public:
  // Not escaped: written without emulation prevention, as some cameras do.
  explicit Inserter(bool escaped = true) : escaped_(escaped) {}
  Status begin(const SourceInfo& source) override {
    sei_ = source.codec == Codec::h264 ? Bytes{0x06, 0x05} : Bytes{0x4e, 0x01, 0x05};
    sei_.push_back(40);  // user_data_unregistered: identifier and 24 bytes
    Bytes payload(40, 0x5a);
    if (!escaped_) std::fill(payload.begin() + 20, payload.end() - 1, std::uint8_t{0}), payload[30] = 1;
    append(sei_, payload);
    sei_.push_back(0x80);
    return Recorder::begin(source);
  }
  Result<std::span<const BytesView>> edit(const SourceAccessUnit& access_unit) override {
    extra_.assign(1, sei_);
    insert_before_first_slice(source_.codec, access_unit.units, extra_, result_);
    SourceAccessUnit edited = access_unit;
    edited.units = result_;
    CAM_TRY_STATUS(Recorder::edit(edited));
    return std::span<const BytesView>(result_);
  }
  Result<std::span<const BytesView>> end() override {
    last_ = {BytesView(sei_)};
    if (!pictures_.empty()) pictures_.back().push_back(sei_);
    return std::span<const BytesView>(last_);
  }

 private:
  bool escaped_;
  Bytes sei_;
  std::vector<Bytes> extra_;
  std::vector<BytesView> result_;
  std::vector<BytesView> last_;
};

std::vector<std::vector<Bytes>> pictures_of(const std::filesystem::path& path) {
  auto source = open_source(path, {});
  EXPECT_TRUE(source) << (source ? "" : source.error().what);
  std::vector<std::vector<Bytes>> pictures;
  while (source) {
    auto sample = (*source)->next();
    EXPECT_TRUE(sample) << (sample ? "" : sample.error().what);
    if (!sample || !*sample) break;
    if ((*sample)->packet.track != (*source)->video_track()) continue;
    std::vector<Bytes> units;
    for (const auto unit : (*sample)->units) units.push_back(to_bytes(unit));
    pictures.push_back(std::move(units));
  }
  return pictures;
}

// As the verifier reads it.
std::vector<Bytes> units_of(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  EXPECT_TRUE(file);
  auto clip = codec::open_clip(file->bytes());
  EXPECT_TRUE(clip) << (clip ? "" : clip.error().what);
  std::vector<Bytes> units;
  while (clip) {
    const auto run = (*clip)->read();
    EXPECT_TRUE(run) << (run ? "" : run.error().what);
    if (!run || run->empty()) break;
    for (const auto& unit : *run) units.push_back(to_bytes(unit.bytes));
  }
  return units;
}

std::vector<Bytes> all_units(const std::vector<std::vector<Bytes>>& pictures) {
  std::vector<Bytes> units;
  for (const auto& picture : pictures) units.insert(units.end(), picture.begin(), picture.end());
  return units;
}

struct Case {
  const char* name;
  ClipRecipe in;
  const char* out;
};

// Instead of the bytes of it.
void PrintTo(const Case& test, std::ostream* out) {
  *out << test.name;
}

using RewriteFiles = MediaTest;

class RewriteTest : public MediaTest, public testing::WithParamInterface<Case> {};

// AX-4.1-1: signing an existing file changes nothing but the SEIs.
TEST_P(RewriteTest, UnitsAreInsertedAndNothingElseChanges) {
  const auto in = make_clip(GetParam().in);
  const auto out = folder_ / GetParam().out;
  Inserter editor;
  const auto summary = rewrite_clip(in, out, editor);
  ASSERT_TRUE(summary) << summary.error().what;
  EXPECT_EQ(summary->access_units, 50u);
  EXPECT_EQ(editor.pictures_.size(), 50u);
  EXPECT_EQ(editor.keyframes_[0], true);
  EXPECT_EQ(editor.keyframes_[1], false);
  EXPECT_EQ(editor.source_.codec, GetParam().in.codec == "h264" ? Codec::h264 : Codec::h265);
  EXPECT_TRUE(pictures_of(out) == editor.pictures_);
  if (out.extension() != ".mkv") {
    EXPECT_TRUE(units_of(out) == all_units(editor.pictures_));
  }
  EXPECT_EQ(frame_hashes(out), frame_hashes(in));
  if (GetParam().in.audio) {
    EXPECT_THAT(summary->source.kept, testing::ElementsAre("audio (aac)"));
    if (in.extension() != ".ts") {  // whose sound has other headers
      EXPECT_EQ(frame_hashes(out, "0:a -c copy"), frame_hashes(in, "0:a -c copy"));
    }
    frame_hashes(out, "0:a");  // decodes without a complaint
  }
  if (!summary->source.has_times && out.extension() == ".mp4") {
    // 25 pictures a second, shown in their order, from 0 on.
    const auto shown = test::run(
        "ffprobe -loglevel error -of csv=p=0 -select_streams v -show_entries frame=pts_time " + out.string());
    std::istringstream lines(shown.output);
    double time = -1;
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(lines >> time) << i << " " << shown.output;
      EXPECT_NEAR(time, 0.04 * i, 1e-5);
      lines.ignore(100, '\n');
    }
  }
  if (summary->source.has_times && out.extension() == ".mp4" && in.extension() == ".mp4") {
    const auto* times = "-select_streams v -show_entries packet=pts_time,dts_time,flags";
    EXPECT_EQ(probe(out, times), probe(in, times));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, RewriteTest,
    testing::Values(
        Case{"mp4", {}, "out.mp4"}, Case{"mp4_h265", {.codec = "h265"}, "out.mp4"},
        Case{"mp4_slices_audio", {.slices = 4, .audio = true}, "out.mp4"},
        Case{"mp4_b_frames", {.b_frames = 2, .audio = true}, "out.mp4"},
        Case{"mp4_b_frames_h265", {.codec = "h265", .b_frames = 3, .audio = true}, "out.mp4"},
        Case{"fmp4",
             {.audio = true, .output_options = "-movflags frag_keyframe+empty_moov+default_base_moof"},
             "out.mp4"},
        Case{"mp4_to_mkv", {.b_frames = 2, .audio = true}, "out.mkv"},
        Case{"mkv_to_mp4", {.name = "clip.mkv", .audio = true}, "out.mp4"},
        Case{"mkv_b_frames_to_mp4", {.name = "clip.mkv", .b_frames = 2, .audio = true}, "out.mp4"},
        Case{"mkv_to_mkv_h265", {.name = "clip.mkv", .codec = "h265", .slices = 2}, "out.mkv"},
        Case{"raw_to_mp4", {.name = "clip.h264"}, "out.mp4"},
        Case{"raw_h265_to_mp4", {.name = "clip.h265", .codec = "h265"}, "out.mp4"},
        Case{"raw_b_frames_to_mp4", {.name = "clip.h264", .b_frames = 3}, "out.mp4"},
        Case{"raw_b_frames_h265_to_mp4", {.name = "clip.h265", .codec = "h265", .b_frames = 4}, "out.mp4"},
        Case{"ts_to_mp4", {.name = "clip.ts", .audio = true}, "out.mp4"}),
    [](const auto& test) { return test.param.name; });

TEST_F(RewriteFiles, UnitsWithStartCodesInsideAreKeptInContainers) {
  const auto in = make_clip({});
  for (const auto* name : {"out.mp4", "out.mkv"}) {
    Inserter editor(false);
    ASSERT_TRUE(rewrite_clip(in, folder_ / name, editor));
    EXPECT_TRUE(pictures_of(folder_ / name) == editor.pictures_);
    if (name == std::string("out.mp4")) {
      EXPECT_TRUE(units_of(folder_ / name) == all_units(editor.pictures_));
    }
    EXPECT_EQ(frame_hashes(folder_ / name, "0:v", false), frame_hashes(in));
  }
}

TEST_F(RewriteFiles, RawOutputRefusesUnitsThatWouldFallApart) {
  Inserter editor(false);
  const auto done = rewrite_clip(make_clip({}), folder_ / "out.h264", editor);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unsupported);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.h264"));
}

TEST_F(RewriteFiles, Mp4ToRawAddsParameterSetsOnce) {
  const auto in = make_clip({});
  Recorder editor;
  ASSERT_TRUE(rewrite_clip(in, folder_ / "out.h264", editor));
  EXPECT_EQ(frame_hashes(folder_ / "out.h264"), frame_hashes(in));
  Recorder back;
  ASSERT_TRUE(rewrite_clip(folder_ / "out.h264", folder_ / "back.h264", back));
  ASSERT_EQ(back.pictures_.size(), 50u);
  EXPECT_EQ(back.pictures_[0].size(), editor.pictures_[0].size() + 2);
  EXPECT_EQ(back.pictures_[49], editor.pictures_[49]);
  EXPECT_EQ(read_file(folder_ / "out.h264", 1 << 24).value(),
            read_file(folder_ / "back.h264", 1 << 24).value());
}

// Keyframes are rare: fragments end without one, so that memory stays flat, and the index joins them all the
// same.
TEST_F(RewriteFiles, LongGopsAreWrittenInManyFragments) {
  const auto in = make_clip({.seconds = 13, .b_frames = 2, .gop = 1000, .audio = true});
  Recorder editor;
  ASSERT_TRUE(rewrite_clip(in, folder_ / "out.mp4", editor));
  EXPECT_EQ(editor.pictures_.size(), 325u);
  EXPECT_EQ(frame_hashes(folder_ / "out.mp4"), frame_hashes(in));
  EXPECT_EQ(frame_hashes(folder_ / "out.mp4", "0:a -c copy"), frame_hashes(in, "0:a -c copy"));
  const auto* times = "-select_streams v -show_entries packet=pts_time,dts_time,flags";
  EXPECT_EQ(probe(folder_ / "out.mp4", times), probe(in, times));
  EXPECT_TRUE(units_of(folder_ / "out.mp4") == all_units(editor.pictures_));
  // The fragments' headers are still there, inside the media data: at most four seconds each.
  const auto bytes = read_file(folder_ / "out.mp4", 1 << 26).value();
  int fragments = 0;
  for (auto at = as_text(bytes).find("moof"); at != std::string_view::npos;
       at = as_text(bytes).find("moof", at + 4))
    ++fragments;
  EXPECT_GE(fragments, 3);
}

TEST_F(RewriteFiles, TheOutputCanBeTheInput) {
  const auto in = make_clip({.audio = true});
  const auto before = frame_hashes(in);
  Inserter editor;
  ASSERT_TRUE(rewrite_clip(in, in, editor));
  EXPECT_EQ(frame_hashes(in), before);
}

TEST_F(RewriteFiles, ErrorsLeaveNoFile) {
  Recorder editor;
  const auto in = make_clip({});
  EXPECT_EQ(rewrite_clip(folder_ / "none.mp4", folder_ / "out.mp4", editor).error().code, Errc::not_found);
  EXPECT_EQ(rewrite_clip(in, folder_ / "out.txt", editor).error().code, Errc::usage);
  EXPECT_EQ(rewrite_clip(in, folder_ / "out.h265", editor).error().code, Errc::usage);
  ASSERT_TRUE(write_file_atomically(folder_ / "garbage.mp4", Bytes(5000, 0x5a)));
  EXPECT_EQ(rewrite_clip(folder_ / "garbage.mp4", folder_ / "out.mp4", editor).error().code, Errc::malformed);
  // A file that ends inside a picture.
  const auto whole =
      read_file(make_clip({.name = "cut.mp4", .output_options = "-movflags frag_keyframe+empty_moov"}),
                1 << 24)
          .value();
  ASSERT_TRUE(write_file_atomically(folder_ / "cut.mp4", BytesView(whole).first(whole.size() * 2 / 3)));
  EXPECT_EQ(rewrite_clip(folder_ / "cut.mp4", folder_ / "out.mp4", editor).error().code, Errc::malformed);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.mp4"));
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_NE(entry.path().filename().string().front(), '.') << "left behind: " << entry.path();
  }
}

// Foreign bytes are taken apart in the sandbox; what comes out of it and is written again must not hurt us
// either.
TEST_F(RewriteFiles, HostileFilesNeverHurtTheCaller) {
  constexpr unsigned kSeed = 20261121;
  std::mt19937 random(kSeed);
  const auto pick = [&](std::size_t below) { return static_cast<std::size_t>(random() % below); };
  int copied = 0;
  for (const auto& [name, flags] : {std::pair<const char*, const char*>{"a.mp4", ""},
                                    {"b.mp4", "-movflags frag_keyframe+empty_moov"},
                                    {"c.ts", ""},
                                    {"d.h264", ""}}) {
    const auto good = read_file(make_clip({.name = name,
                                           .seconds = 0.4,
                                           .size = "64x64",
                                           .b_frames = 2,
                                           .audio = name[0] != 'd',
                                           .output_options = flags}),
                                1 << 24)
                          .value();
    for (int i = 0; i < 40; ++i) {
      auto bytes = good;
      const int kind = i % 4;
      // MP4 has its structure at either end.
      const auto place = [&] {
        return i % 3 == 0   ? pick(std::min<std::size_t>(bytes.size(), 1200))
               : i % 3 == 1 ? bytes.size() - 1 - pick(std::min<std::size_t>(bytes.size(), 2000))
                            : pick(bytes.size());
      };
      if (kind == 0) bytes.resize(pick(bytes.size()) + 1);
      if (kind == 1) {
        for (int n = 0; n < 20; ++n) bytes[place()] = static_cast<std::uint8_t>(random());
      }
      if (kind == 2) bytes[place()] ^= static_cast<std::uint8_t>(1u << pick(8));
      if (kind == 3)
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(place()), 8,
                     static_cast<std::uint8_t>(random()));
      const auto in = folder_ / (std::string("hostile") + std::filesystem::path(name).extension().string());
      ASSERT_TRUE(write_file_atomically(in, bytes));
      Inserter editor;
      const auto summary = rewrite_clip(in, folder_ / (i % 2 == 0 ? "out.mp4" : "out.mkv"), editor);
      if (summary) ++copied;
    }
  }
  EXPECT_GT(copied, 20);
}

}  // namespace
}  // namespace camvault::container

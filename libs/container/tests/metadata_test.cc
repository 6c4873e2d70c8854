// Timed metadata beside the pictures (ISO/IEC 14496-12 12.3), as ONVIF's Export File Format has them: copies
// of a clip keep them, and what they are.
#include <gmock/gmock.h>

#include "camvault/codec/clip.h"
#include "camvault/container/rewrite.h"
#include "media.h"
#include "mp4_boxes.h"
#include "mp4_metadata.h"

namespace camvault::container {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMime = "application/vnd.onvif.metadata";

class Copier : public ClipEditor {
 public:
  Status begin(const SourceInfo&) override { return ok(); }
  Result<std::span<const BytesView>> edit(const SourceAccessUnit& access_unit) override {
    return access_unit.units;
  }
  Result<std::span<const BytesView>> end() override { return std::span<const BytesView>(); }
  Status side(const codec::SideSample& sample) override {
    if (sample.kind == codec::SideKind::metadata) seen_.emplace_back(as_text(sample.bytes));
    return ok();
  }
  std::vector<std::string> seen_;
};

class MetadataTest : public test::MediaTest {
 protected:
  // ffmpeg writes subtitles; their track becomes one of ONVIF metadata. The text samples stay as they are.
  fs::path make_metadata_clip() {
    const auto pictures = make_clip({.audio = true});
    {
      std::ofstream text(folder_ / "text.srt");
      text << "1\n00:00:00,200 --> 00:00:00,600\nmotion 1\n\n2\n00:00:00,800 --> 00:00:01,500\nmotion 2\n\n";
    }
    const auto titled = folder_ / "titled.mp4";
    const auto made = test::run("ffmpeg -hide_banner -loglevel error -y -i " + pictures.string() + " -i " +
                                (folder_ / "text.srt").string() + " -map 0 -map 1 -c copy -c:s mov_text " +
                                titled.string());
    EXPECT_EQ(made.status, 0) << made.output;
    auto bytes = read_file(titled, 1 << 24).value();
    replace(bytes, "sbtl", "meta");
    const auto entry = as_text(bytes).find("tx3g");
    EXPECT_NE(entry, std::string_view::npos);
    const std::size_t size = bytes[entry - 2] * 256u + bytes[entry - 1];
    Bytes body(8, 0);  // reserved, data reference 1
    body[7] = 1;
    body.push_back(0);  // no content encoding
    append(body, as_bytes(kMime));
    body.push_back(0);
    const auto padding = size - 8 - body.size();
    EXPECT_GE(padding, 8u);
    append(body, Bytes{0, 0, 0, static_cast<std::uint8_t>(padding), 'f', 'r', 'e', 'e'});
    body.resize(size - 8);
    std::copy(body.begin(), body.end(), bytes.begin() + static_cast<std::ptrdiff_t>(entry) + 4);
    replace(bytes, "tx3g", "mett");
    const auto path = folder_ / "metadata.mp4";
    EXPECT_TRUE(write_file_atomically(path, bytes));
    return path;
  }

  // The last one: the index stands behind the samples.
  static void replace(Bytes& bytes, std::string_view what, std::string_view by) {
    const auto at = as_text(bytes).rfind(what);
    ASSERT_NE(at, std::string_view::npos) << what;
    std::copy(by.begin(), by.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  }

  // As the verifier reads them.
  static std::vector<std::string> samples_of(const fs::path& path) {
    const auto file = MappedFile::open(path).value();
    codec::ClipOptions options;
    options.everything = true;
    auto clip = codec::open_clip(file.bytes(), options).value();
    std::vector<std::string> out;
    for (;;) {
      const auto run = clip->read();
      EXPECT_TRUE(run);
      for (const auto& sample : clip->side()) {
        if (sample.kind == codec::SideKind::metadata) out.emplace_back(as_text(sample.bytes));
      }
      if (!run || run->empty()) return out;
    }
  }
};

// AX-4.1-1
TEST_F(MetadataTest, AreCopiedWithWhatTheyAre) {
  const auto in = make_metadata_clip();
  const auto before = metadata_descriptions(in);
  ASSERT_EQ(before.size(), 3u);
  ASSERT_TRUE(before[2]);
  EXPECT_EQ(before[2]->type, fourcc("mett"));
  const auto out = folder_ / "out.mp4";
  Copier copier;
  const auto summary = rewrite_clip(in, out, copier);
  ASSERT_TRUE(summary) << summary.error().what;
  EXPECT_THAT(summary->source.kept, testing::ElementsAre("audio (aac)", "metadata (mett)"));
  EXPECT_TRUE(summary->source.dropped.empty());
  const auto after = metadata_descriptions(out);
  ASSERT_EQ(after.size(), 3u);
  ASSERT_TRUE(after[2]);
  EXPECT_EQ(after[2]->handler, before[2]->handler);
  EXPECT_EQ(after[2]->media_header, before[2]->media_header);
  EXPECT_EQ(after[2]->sample_description, before[2]->sample_description);
  EXPECT_FALSE(after[0] || after[1]);
  // The editor saw what others will read.
  EXPECT_THAT(copier.seen_, testing::Contains(testing::HasSubstr("motion 2")));
  EXPECT_EQ(samples_of(out), copier.seen_);
  EXPECT_EQ(samples_of(in), copier.seen_);
  // A foreign reader: same type, same times, same bytes.
  const auto* what = "-select_streams 2 -show_entries stream=codec_tag_string";
  EXPECT_THAT(probe(out, what), testing::HasSubstr("mett"));
  const auto* packets =
      "-ignore_editlist 1 -select_streams 2 -show_packets -show_data_hash sha256 -show_entries "
      "packet=pts_time,data_hash";
  EXPECT_EQ(probe(out, packets), probe(in, packets));
  EXPECT_EQ(frame_hashes(out), frame_hashes(in));
}

TEST_F(MetadataTest, TheTrackSaysWhatItDescribes) {
  const auto in = make_metadata_clip();
  auto bytes = read_file(in, 1 << 24).value();
  // The edit list of the third track gives its place to a reference: `edts` is as long as tref with what pads
  // it.
  const auto at = as_text(bytes).rfind("edts");
  ASSERT_NE(at, std::string_view::npos);
  const std::size_t size = bytes[at - 2] * 256u + bytes[at - 1];
  ASSERT_GE(size, 28u);
  Bytes tref{'t', 'r', 'e', 'f', 0, 0, 0, 12, 'c', 'd', 's', 'c', 0, 0, 0, 1};
  append(tref, Bytes{0, 0, 0, static_cast<std::uint8_t>(size - 20), 'f', 'r', 'e', 'e'});
  std::copy(tref.begin(), tref.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  bytes[at - 1] = 20;  // tref; the rest is free
  ASSERT_TRUE(write_file_atomically(in, bytes));
  ASSERT_TRUE(metadata_descriptions(in)[2]->describes_pictures);
  Copier copier;
  ASSERT_TRUE(rewrite_clip(in, folder_ / "out.mp4", copier));
  EXPECT_TRUE(metadata_descriptions(folder_ / "out.mp4")[2]->describes_pictures);
  const auto copy = read_file(folder_ / "out.mp4", 1 << 24).value();
  EXPECT_NE(as_text(copy).find(std::string_view("cdsc\0\0\0\1", 8)), std::string_view::npos);
}

TEST_F(MetadataTest, OtherFormatsAndOtherTracksSayThatTheyAreLeftOut) {
  const auto in = make_metadata_clip();
  Copier copier;
  const auto matroska = rewrite_clip(in, folder_ / "out.mkv", copier);
  ASSERT_TRUE(matroska) << matroska.error().what;
  EXPECT_THAT(matroska->source.dropped, testing::ElementsAre("metadata (mett)"));
  EXPECT_TRUE(copier.seen_.empty());
  // Samples in another file (8.7.2): the second data reference.
  auto bytes = read_file(in, 1 << 24).value();
  const auto entry = as_text(bytes).rfind("mett");
  bytes[entry + 4 + 7] = 2;
  ASSERT_TRUE(write_file_atomically(in, bytes));
  const auto elsewhere = rewrite_clip(in, folder_ / "out.mp4", copier);
  ASSERT_TRUE(elsewhere) << elsewhere.error().what;
  EXPECT_THAT(elsewhere->source.dropped, testing::ElementsAre("metadata (mett)"));
}

TEST_F(MetadataTest, BrokenDescriptionsAreNone) {
  const auto good = read_file(make_metadata_clip(), 1 << 24).value();
  const auto moov = as_text(good).rfind("moov") - 4;
  const auto path = folder_ / "broken.mp4";
  std::size_t without = 0;
  for (auto at = moov; at < good.size(); at += 31) {
    auto bytes = good;
    bytes[at] ^= 0xff;
    ASSERT_TRUE(write_file_atomically(path, bytes));
    const auto found = metadata_descriptions(path);
    ASSERT_LE(found.size(), 3u);
    if (found.size() < 3 || !found[2]) ++without;
  }
  EXPECT_GT(without, 0u);
  for (std::size_t size = moov; size < good.size(); size += 83) {
    ASSERT_TRUE(write_file_atomically(path, BytesView(good).first(size)));
    ASSERT_TRUE(metadata_descriptions(path).empty()) << size;
  }
  EXPECT_TRUE(metadata_descriptions(folder_ / "none.mp4").empty());
}

}  // namespace
}  // namespace camvault::container

// A clip that is read piece by piece gives what the same clip in memory gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "camvault/base/file.h"
#include "camvault/codec/clip.h"
#include "mp4_builder.h"

namespace camvault::codec::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FileInPieces final : public ByteSource {
 public:
  explicit FileInPieces(BytesView file) : file_(file) {}
  std::uint64_t size() const override { return file_.size() + claimed_more; }
  Status read(std::uint64_t offset, std::span<std::uint8_t> out) override {
    ++reads;
    bytes += out.size();
    largest = std::max(largest, out.size());
    if (reads > fails_after) return fail(Errc::io, "the disk was taken away");
    if (claimed_more > 0 && offset >= file_.size()) {
      std::fill(out.begin(), out.end(), std::uint8_t{0});
      return ok();
    }
    if (offset + out.size() > file_.size()) {
      ADD_FAILURE() << "asked for " << out.size() << " bytes at " << offset << " of " << file_.size();
      return fail(Errc::internal, "outside");
    }
    std::copy_n(file_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return ok();
  }

  std::size_t reads = 0;
  std::size_t bytes = 0;
  std::size_t largest = 0;
  std::size_t fails_after = SIZE_MAX;
  std::uint64_t claimed_more = 0;

 private:
  BytesView file_;
};

struct Seen {
  std::vector<std::string> units;
  std::vector<std::uint64_t> offsets;
  std::vector<std::optional<Timestamp>> times;
  std::string info;
  std::string error;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  return out << seen.units.size() << " units, " << seen.info << ", error: " << seen.error;
}

Seen see(const Result<std::unique_ptr<UnitSource>>& opened) {
  Seen seen;
  if (!opened) {
    seen.error = "not opened: " + opened.error().what;
    return seen;
  }
  auto& source = **opened;
  const auto& info = source.info();
  seen.info = std::string(to_string(info.format)) + " " + std::string(to_string(info.codec)) + " " +
              std::to_string(info.width) + "x" + std::to_string(info.height) + " " +
              std::to_string(info.sample_count) + " tracks " + std::to_string(info.not_video.size());
  for (int round = 0; round < 2; ++round) {  // rewinding changes nothing
    for (;;) {
      const auto run = source.read();
      if (!run) seen.error += run.error().what;
      if (!run || run->empty()) break;
      for (const auto& unit : *run) {
        seen.units.push_back(to_hex(unit.bytes));
        seen.offsets.push_back(unit.offset);
        seen.times.push_back(unit.container_time);
      }
    }
    EXPECT_TRUE(source.rewind());
  }
  return seen;
}

void expect_same_in_pieces(BytesView file,
                           std::initializer_list<std::size_t> windows = {64, 100, 1000, 4096}) {
  const auto whole = see(open_clip(file));
  for (const auto window : windows) {
    FileInPieces pieces(file);
    EXPECT_EQ(see(open_clip(pieces, {}, window)), whole) << "window of " << window;
  }
}

// Units of 1 to 299 bytes, told apart by their bytes; the last one is longer than the windows.
Bytes unit_number(std::size_t i) {
  const std::size_t size = i == 40 ? 5000 : 1 + (i * 37) % 299;
  Bytes unit{static_cast<std::uint8_t>(i == 0 ? 0x67 : i % 10 == 1 ? 0x65 : 0x41)};
  for (std::size_t k = 0; k < size; ++k) unit.push_back(static_cast<std::uint8_t>(1 + (i + k) % 251));
  if (i == 0) unit = {0x67, 0x42, 0xc0, 0x1e, 0x88};
  return unit;
}
constexpr std::size_t kUnits = 41;

Bytes raw_stream(std::string_view between_units) {
  Bytes file;
  for (std::size_t i = 0; i < kUnits; ++i) {
    append(file, as_bytes(between_units));
    append(file, unit_number(i));
  }
  return file;
}

TEST(ClipWindow, RawStreams) {
  using namespace std::string_view_literals;
  for (const auto between : {"\0\0\1"sv, "\0\0\0\1"sv, "\0\0\0\0\0\0\1"sv, "\0\0\1\0\0\1"sv}) {
    expect_same_in_pieces(raw_stream(between), {64, 65, 66, 67, 68, 69, 70, 128, 1000, 1 << 20});
  }
  // Rubbish before, zeros behind, and a start code as the last thing.
  Bytes odd(500, 0xff);
  append(odd, raw_stream("\0\0\1"sv));
  append(odd, Bytes(700, 0));
  expect_same_in_pieces(odd);
  append(odd, Bytes{0, 0, 1});
  expect_same_in_pieces(odd);
  expect_same_in_pieces(Bytes(3000, 0xff));
  expect_same_in_pieces(Bytes(3000, 0));
  expect_same_in_pieces(Bytes{0});
  expect_same_in_pieces({});
}

// Samples of `per_sample` units each; chunks of two samples, `gap` bytes between them.
Bytes tables_movie(std::size_t gap, bool backwards) {
  std::vector<Bytes> samples;
  for (std::size_t i = 0; i + 1 < kUnits; i += 2)
    samples.push_back(join({sized(unit_number(i)), sized(unit_number(i + 1))}));
  Bytes data;
  std::vector<std::uint32_t> sizes{0, 0, static_cast<std::uint32_t>(samples.size())};
  std::vector<std::uint32_t> offsets;
  std::vector<Bytes> in_file = samples;
  if (backwards) std::reverse(in_file.begin(), in_file.end());
  for (const auto& sample : in_file) {
    offsets.push_back(kDataAt + static_cast<std::uint32_t>(data.size()));
    append(data, sample);
    append(data, Bytes(gap, 0xee));
  }
  if (backwards) std::reverse(offsets.begin(), offsets.end());
  for (const auto& sample : samples) sizes.push_back(static_cast<std::uint32_t>(sample.size()));
  std::vector<std::uint32_t> stco{0, static_cast<std::uint32_t>(offsets.size())};
  stco.insert(stco.end(), offsets.begin(), offsets.end());
  const auto count = static_cast<std::uint32_t>(samples.size());
  return movie(data, {stsd({avc1()}), words("stsz", sizes), words("stsc", {0, 1, 1, 1, 1}),
                      words("stco", stco), words("stts", {0, 1, count, 40})});
}

TEST(ClipWindow, Mp4WithTables) {
  for (const std::size_t gap : {0u, 1u, 5000u}) {
    expect_same_in_pieces(tables_movie(gap, false));
    expect_same_in_pieces(tables_movie(gap, true));
  }
  const auto whole = tables_movie(0, false);
  EXPECT_EQ(see(open_clip(whole)).units.size(), 2 * (kUnits - 1));
  for (std::size_t size = 0; size < whole.size(); size += 97)
    expect_same_in_pieces(BytesView(whole).first(size));
}

TEST(ClipWindow, Fragments) {
  Bytes file = join({ftyp(), box("moov", join({track(1, "vide",
                                                     join({stsd({avc1()}), words("stsz", {0, 0, 0}),
                                                           words("stsc", {0, 0}), words("stco", {0, 0})})),
                                               box("mvex", words("trex", {0, 1, 1, 40, 0, 0}))}))});
  for (std::size_t i = 0; i + 1 < kUnits; i += 2) {
    const auto a = sized(unit_number(i));
    const auto b = sized(unit_number(i + 1));
    const auto traf = [&](std::uint32_t data_at) {
      return box("moof",
                 box("traf", join({words("tfhd", {0x020000, 1}),
                                   words("trun", {0x201, 2, data_at, static_cast<std::uint32_t>(a.size()),
                                                  static_cast<std::uint32_t>(b.size())})})));
    };
    const auto moof = traf(0);
    append(file, traf(static_cast<std::uint32_t>(moof.size()) + 8));
    append(file, box("mdat", join({a, b})));
  }
  EXPECT_EQ(see(open_clip(file)).units.size(), 2 * (kUnits - 1));
  expect_same_in_pieces(file);
  for (std::size_t size = 0; size < file.size(); size += 101)
    expect_same_in_pieces(BytesView(file).first(size));
}

TEST(ClipWindow, SaysWhatTheSourceSays) {
  const auto file = tables_movie(0, false);
  FileInPieces all(file);
  see(open_clip(all, {}, 1000));
  for (std::size_t reads = 0; reads < all.reads; ++reads) {
    FileInPieces broken(file);
    broken.fails_after = reads;
    EXPECT_THAT(see(open_clip(broken, {}, 1000)).error, HasSubstr("the disk was taken away")) << reads;
  }
}

// A table of contents that claims most of an enormous file is not read into memory.
TEST(ClipWindow, RefusesPartsThatAreTooLarge) {
  auto file = join({ftyp(), {0, 0, 0, 1}, to_bytes(as_bytes("moov")), {0, 0, 0, 0, 0x20, 0, 0, 0}});
  FileInPieces pieces(file);
  pieces.claimed_more = 0x2000'0000;
  const auto source = open_clip(pieces);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, Errc::limit);
  EXPECT_LE(pieces.largest, 32u);
}

// The whole file is read about once, in pieces of the window's size.
TEST(ClipWindow, ReadsNoMoreThanNeeded) {
  Bytes data;
  std::vector<std::uint32_t> sizes{0, 0, 4000};
  for (std::size_t i = 0; i < 4000; ++i) {
    const auto sample = sized(unit_number(1 + i % 30));
    sizes.push_back(static_cast<std::uint32_t>(sample.size()));
    append(data, sample);
  }
  const auto file = movie(data, {stsd({avc1()}), words("stsz", sizes), words("stsc", {0, 1, 1, 4000, 1}),
                                 words("stco", {0, 1, kDataAt}), words("stts", {0, 1, 4000, 40})});
  FileInPieces pieces(file);
  const auto source = open_clip(pieces, {}, 65536);
  ASSERT_TRUE(source);
  for (;;) {
    const auto run = (*source)->read();
    ASSERT_TRUE(run);
    if (run->empty()) break;
  }
  EXPECT_LT(pieces.bytes, file.size() + file.size() / 50);
  EXPECT_LE(pieces.largest, 65536u);

  FileInPieces raw_pieces(file);
  const auto stream = raw_stream(std::string_view("\0\0\1", 3));
  FileInPieces raw(stream);
  see(open_clip(raw, {}, 1000));
  EXPECT_LT(raw.bytes, 2 * 4 * stream.size());  // two rounds, and the long unit at the end in doubling pieces
}

// AX-4.1-1: other people's clips.
TEST(ClipWindow, SharedVectors) {
  const fs::path folder = fs::path("..") / "shared" / "vectors" / "signed-video";
  std::size_t files = 0;
  if (fs::exists(folder)) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file() || entry.path().extension() == ".md") continue;
      const auto file = read_file(entry.path(), 64u << 20);
      ASSERT_TRUE(file);
      SCOPED_TRACE(entry.path().string());
      expect_same_in_pieces(*file, {30'000});
      ++files;
    }
  }
  if (files == 0) GTEST_SKIP() << "the vectors are not beside the repository";
  EXPECT_GT(files, 60u);
}

}  // namespace
}  // namespace camvault::codec::test

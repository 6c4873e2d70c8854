// AV1 as OBUs, in IVF and in MP4, and units behind lengths: AX-4.1-1, units as they lie in the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "camvault/codec/clip.h"
#include "camvault/codec/obu.h"
#include "mp4_builder.h"

namespace camvault::codec::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class InPieces final : public ByteSource {
 public:
  explicit InPieces(BytesView file) : file_(file) {}
  std::uint64_t size() const override { return file_.size(); }
  Status read(std::uint64_t offset, std::span<std::uint8_t> out) override {
    std::copy_n(file_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return ok();
  }

 private:
  BytesView file_;
};

struct Read {
  std::vector<std::string> units;
  std::vector<std::int64_t> times;  // ms; -1 = none
  std::string error;
  friend bool operator==(const Read&, const Read&) = default;
};

Read read_all(UnitSource& source, BytesView file) {
  Read all;
  for (;;) {
    const auto run = source.read();
    if (!run) {
      all.error = run.error().what;
      EXPECT_FALSE(source.read());
      return all;
    }
    if (run->empty()) return all;
    for (const auto& unit : *run) {
      all.units.push_back(to_hex(unit.bytes));
      EXPECT_TRUE(equal(unit.bytes, file.subspan(unit.offset, unit.bytes.size())));
      all.times.push_back(unit.container_time ? unit.container_time->time_since_epoch().count() / 10'000
                                              : -1);
    }
  }
}

// Twice from memory and once through a window.
Read units_of(const Bytes& file, const ClipOptions& options = {}) {
  const auto source = open_clip(file, options);
  EXPECT_TRUE(source) << source.error().what;
  if (!source) return {};
  const auto all = read_all(**source, file);
  EXPECT_TRUE((*source)->rewind());
  EXPECT_EQ(read_all(**source, file), all);
  InPieces pieces(file);
  const auto windowed = open_clip(pieces, options, 64);
  EXPECT_TRUE(windowed);
  EXPECT_EQ(read_all(**windowed, file), all);
  return all;
}

Bytes cut(const Bytes& file, std::size_t size) {
  return {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)};
}

const Bytes kDelimiter = {0x12, 0x00};
const Bytes kSequence = {0x0a, 0x02, 0x11, 0x22};
const Bytes kKey = {0x32, 0x03, 0x10, 0xaa, 0xbb};       // OBU_FRAME, key frame
const Bytes kInter = {0x32, 0x02, 0x30, 0xcc};           // OBU_FRAME, inter frame
const Bytes kExtended = {0x36, 0x08, 0x02, 0x30, 0x01};  // with extension header

TEST(Obu, HeadersAndSizes) {
  const auto key = read_obu_header(kKey).value();
  EXPECT_EQ(key.type, ObuType::frame);
  EXPECT_EQ(key.payload_offset, 2u);
  EXPECT_EQ(key.size(), 5u);
  EXPECT_EQ(read_obu_header(kExtended).value().payload_offset, 3u);
  EXPECT_EQ(read_obu_header(Bytes{0x30, 1, 2}).value().size(), 3u);  // without a size: all that follows
  EXPECT_FALSE(read_obu_header(Bytes{}));
  EXPECT_FALSE(read_obu_header(Bytes{0xb2, 0x00}));  // forbidden bit
  EXPECT_FALSE(read_obu_header(Bytes{0x36}));        // extension cut
  EXPECT_FALSE(read_obu_header(Bytes{0x32}));        // size cut
  EXPECT_FALSE(read_obu_header(Bytes{0x32, 0x80}));
}

TEST(Obu, Leb128) {
  for (const std::uint32_t value : {0U, 1U, 127U, 128U, 16'383U, 16'384U, 0xffff'ffffU}) {
    const auto bytes = leb128(value);
    const auto read = read_leb128(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->value, value);
    EXPECT_EQ(read->size, bytes.size());
    EXPECT_FALSE(read_leb128(BytesView(bytes).first(bytes.size() - 1)));
  }
  EXPECT_EQ(read_leb128(Bytes{0x85, 0x80, 0x00}).value().size, 3u);  // longer than needed, but allowed
  EXPECT_FALSE(read_leb128(Bytes{0xff, 0xff, 0xff, 0xff, 0x1f}));    // 33 bits
  EXPECT_FALSE(read_leb128(Bytes{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}));  // nine bytes
}

TEST(Obu, Kinds) {
  const auto kind = [](const Bytes& obu) { return classify(Codec::av1, obu).kind; };
  EXPECT_EQ(kind(kKey), UnitKind::slice);
  EXPECT_EQ(kind(kSequence), UnitKind::parameter_set);
  EXPECT_EQ(kind(kDelimiter), UnitKind::delimiter);
  EXPECT_EQ(kind({0x2a, 0x01, 0x19}), UnitKind::sei);
  EXPECT_EQ(kind({0x3a, 0x00}), UnitKind::other);  // redundant frame header
  EXPECT_EQ(kind({0xb2, 0x00}), UnitKind::broken);
  const auto key = classify(Codec::av1, kKey);
  EXPECT_TRUE(key.gop_start && key.first_slice && key.reference_hashed);
  const auto inter = classify(Codec::av1, kInter);
  EXPECT_TRUE(!inter.gop_start && inter.first_slice);
  const auto header = classify(Codec::av1, Bytes{0x1a, 0x01, 0x10});
  EXPECT_TRUE(header.gop_start && header.first_slice && !header.reference_hashed);
  EXPECT_FALSE(classify(Codec::av1, Bytes{0x1a, 0x01, 0x90}).gop_start);    // shows an existing frame
  EXPECT_FALSE(classify(Codec::av1, Bytes{0x22, 0x01, 0x10}).first_slice);  // tile group
  EXPECT_FALSE(classify(Codec::av1, Bytes{0x32, 0x00}).gop_start);          // empty
}

TEST(ClipObu, StreamsOfObus) {
  const auto file = join({kDelimiter, kSequence, kKey, kDelimiter, kInter, kExtended});
  const auto read = units_of(file);
  EXPECT_THAT(read.units, ElementsAre("1200", "0a021122", "320310aabb", "1200", "320230cc", "3608023001"));
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(open_clip(file).value()->info().format, ClipFormat::obu);
  EXPECT_EQ(open_clip(file).value()->info().codec, Codec::av1);
  // Cut anywhere: whole OBUs, then an error.
  for (std::size_t size = 3; size < file.size(); ++size) {
    const auto part = units_of(cut(file, size));
    EXPECT_LE(part.units.size(), 6u);
    const bool at_border = size == 6 || size == 11 || size == 13 || size == 17;
    EXPECT_EQ(part.error.empty(), at_border) << size;
  }
  EXPECT_THAT(units_of(join({kDelimiter, {0x30, 0x10}})).error, HasSubstr("without a size"));
  EXPECT_THAT(units_of(join({kDelimiter, {0x32, 0xff, 0xff, 0xff, 0xff, 0x0f}})).error, HasSubstr("cut"));
}

Bytes little(std::uint64_t value, unsigned size) {
  Bytes out;
  for (unsigned i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return out;
}

Bytes ivf(const std::string& fourcc, const std::vector<std::pair<std::uint64_t, Bytes>>& frames) {
  auto file = join({to_bytes(as_bytes("DKIF")), little(0, 2), little(32, 2), to_bytes(as_bytes(fourcc)),
                    little(640, 2), little(360, 2), little(25, 4), little(1, 4), little(0, 8)});
  for (const auto& [pts, frame] : frames)
    append(file, join({little(frame.size(), 4), little(pts, 8), frame}));
  return file;
}

TEST(ClipObu, Ivf) {
  const Bytes no_size = {0x30, 0x30, 0x77};
  const auto file = ivf("AV01", {{0, join({kDelimiter, kKey})}, {5, join({kDelimiter, no_size})}, {6, {}}});
  const auto read = units_of(file);
  EXPECT_THAT(read.units, ElementsAre("1200", "320310aabb", "1200", "303077"));
  EXPECT_THAT(read.times, ElementsAre(0, 0, 200, 200));
  EXPECT_EQ(read.error, "");
  const auto source = open_clip(file).value();
  EXPECT_EQ(source->info().width, 640u);
  EXPECT_EQ(source->info().format, ClipFormat::ivf);
  EXPECT_THAT(units_of(cut(file, 40)).error, HasSubstr("frame header"));
  EXPECT_THAT(units_of(cut(file, 50)).error, HasSubstr("inside a frame"));
  EXPECT_THAT(units_of(ivf("AV01", {{0, cut(kKey, 4)}})).error, HasSubstr("inside an OBU"));
  EXPECT_EQ(open_clip(ivf("VP90", {})).error().code, Errc::unsupported);
}

Bytes av01_entry(const Bytes& av1c) {
  return visual_entry("av01", av1c);
}

TEST(ClipObu, Mp4) {
  const Bytes config = box("av1C", {0x81, 0x00, 0x0c, 0x00});
  const Bytes no_size = {0x30, 0x30, 0x77};
  const auto data = join({kSequence, kKey, kInter, no_size});
  const auto second = static_cast<std::uint32_t>(kInter.size() + no_size.size());
  const auto tables = [&](const Bytes& entry) {
    return std::vector<Bytes>{stsd({entry}), words("stsz", {0, 0, 2, 9, second}),
                              words("stsc", {0, 1, 1, 2, 1}), words("stco", {0, 1, kDataAt})};
  };
  const auto read = units_of(movie(data, tables(av01_entry(config))));
  EXPECT_THAT(read.units, ElementsAre("0a021122", "320310aabb", "320230cc", "303077"));
  EXPECT_EQ(read.error, "");
  auto broken = data;
  broken[1] = 0x22;  // a size beyond the sample
  EXPECT_THAT(units_of(movie(broken, tables(av01_entry(config)))).error, HasSubstr("longer than its sample"));
  EXPECT_EQ(open_clip(movie(data, tables(av01_entry({})))).error().code, Errc::malformed);
  EXPECT_EQ(open_clip(movie(data, tables(av01_entry(box("av1C", {0x82}))))).error().code, Errc::unsupported);
}

TEST(ClipUnits, LengthsOfFourBytes) {
  const Bytes file = {0, 0, 0, 2, 0x65, 0x88, 0, 0, 0, 1, 0x41};
  ClipOptions options;
  options.units = true;
  EXPECT_EQ(open_clip(file, options).error().code, Errc::usage);
  for (const auto codec : {Codec::h264, Codec::h265, Codec::av1}) {
    options.codec = codec;
    const auto read = units_of(file, options);
    EXPECT_THAT(read.units, ElementsAre("6588", "41"));
    EXPECT_EQ(open_clip(file, options).value()->info().codec, codec);
  }
  EXPECT_THAT(units_of(cut(file, 9), options).error, HasSubstr("length of a unit"));
  EXPECT_THAT(units_of(cut(file, 5), options).error, HasSubstr("inside a unit"));
  EXPECT_THAT(units_of(cut(file, 5), options).units, IsEmpty());
  EXPECT_THAT(units_of({0, 0, 0, 0, 0x65}, options).error, HasSubstr("length 0"));
  EXPECT_THAT(units_of({0x10, 0, 0, 1, 0x65}, options).error, HasSubstr("256 MB"));
  EXPECT_THAT(units_of({0xff, 0xff, 0xff, 0xff}, options).error, HasSubstr("256 MB"));
  // A run is at most 256 units; more come with the next.
  Bytes many;
  for (int i = 0; i < 600; ++i) append(many, Bytes{0, 0, 0, 1, 0x41});
  EXPECT_EQ(units_of(many, options).units.size(), 600u);
}

}  // namespace
}  // namespace camvault::codec::test

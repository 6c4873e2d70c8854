#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "camvault/codec/clip.h"
#include "mp4_builder.h"

namespace camvault::codec::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Three samples in two chunks: A (two units), B at kDataAt; C 5 bytes further, behind a hole.
const Bytes kA = join({sized({0x67, 1}), sized({0x65, 0x88})});  // 12 bytes
const Bytes kB = sized({0x41, 0x9a, 7});                         // 7
const Bytes kC = sized({0x41, 0x9b});                            // 6
const Bytes kData = join({kA, kB, Bytes(5, 0xee), kC});
constexpr std::uint32_t kSecondChunk = kDataAt + 24;

const Bytes kStsz = words("stsz", {0, 0, 3, 12, 7, 6});
const Bytes kStsc = words("stsc", {0, 2, 1, 2, 1, 2, 1, 1});
const Bytes kStco = words("stco", {0, 2, kDataAt, kSecondChunk});
const Bytes kStts = words("stts", {0, 2, 2, 40, 1, 50});

std::vector<Bytes> tables() {
  return {stsd({avc1()}), kStsz, kStsc, kStco, kStts};
}

Result<ReadUnits> units_of(const Bytes& file) {
  CAM_TRY(const auto source, open_clip(file));
  auto first = read_all(*source, file);
  EXPECT_TRUE(source->rewind());
  const auto second = read_all(*source, file);
  EXPECT_EQ(first.units, second.units);
  EXPECT_EQ(first.times, second.times);
  EXPECT_EQ(first.error, second.error);
  EXPECT_EQ(source->read().has_value(), first.error.empty());  // the end stays the end, an error an error
  return first;
}

void expect_whole(const Bytes& file) {
  const auto read = units_of(file);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->error, "");
  EXPECT_THAT(read->units, ElementsAre("6701", "6588", "419a07", "419b"));
}

void expect_refused(const Bytes& file, Errc code, const std::string& what) {
  const auto source = open_clip(file);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, code);
  EXPECT_THAT(source.error().what, HasSubstr(what));
}

// Opens, gives the first `count` units, and then says what is wrong.
void expect_broken_after(std::size_t count, const Bytes& file, const std::string& what) {
  const auto read = units_of(file);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->units.size(), count);
  EXPECT_THAT(read->error, HasSubstr(what));
}

// AX-4.1-1: units as they lie in the file, in decoding order.
TEST(ClipMp4, ReadsWhatTheTablesName) {
  const auto file = movie(kData, tables());
  expect_whole(file);
  const auto source = open_clip(file).value();
  const auto& info = source->info();
  EXPECT_EQ(info.format, ClipFormat::mp4);
  EXPECT_EQ(info.codec, Codec::h264);
  EXPECT_EQ(info.width, 640u);
  EXPECT_EQ(info.height, 360u);
  EXPECT_EQ(info.timescale, 1000u);
  EXPECT_EQ(info.sample_count, 3u);
  EXPECT_THAT(info.not_video, IsEmpty());
}

TEST(ClipMp4, OtherLayoutsOfTheSameFile) {
  auto with_co64 = tables();
  with_co64[3] = words("co64", {0, 2, 0, kDataAt, 0, kSecondChunk});
  expect_whole(movie(kData, with_co64));

  auto with_stz2 = tables();
  with_stz2[1] = words("stz2", {0, 16, 3}, {0, 12, 0, 7, 0, 6});
  expect_whole(movie(kData, with_stz2));
  with_stz2[1] = words("stz2", {0, 8, 3}, {12, 7, 6});
  expect_whole(movie(kData, with_stz2));
  with_stz2[1] = words("stz2", {0, 4, 3}, {0xc7, 0x60});
  expect_whole(movie(kData, with_stz2));

  Bytes stbl;
  for (const auto& table : tables()) append(stbl, table);
  const auto moov = box("moov", track(1, "vide", stbl));
  // Several mdat, the second with a 64-bit size: 16 bytes of header more, which the hole makes up for.
  const Bytes first = join({kA, kB});
  auto far = tables();
  const auto second_at = kDataAt + static_cast<std::uint32_t>(first.size()) + 16;
  far[3] = words("stco", {0, 2, kDataAt, second_at});
  Bytes far_stbl;
  for (const auto& table : far) append(far_stbl, table);
  const auto far_moov = box("moov", track(1, "vide", far_stbl));
  expect_whole(join({ftyp(), box("mdat", first), large_box("mdat", kC), far_moov}));
  // The last box goes to the end of the file.
  auto open_end = join({ftyp(), box("mdat", kData), moov});
  for (std::size_t i = 0; i < 4; ++i) open_end[open_end.size() - moov.size() + i] = 0;
  expect_whole(open_end);
  // Rubbish and other boxes around it.
  expect_whole(join({ftyp(), box("mdat", kData), box("free", Bytes(3, 1)), moov, Bytes{0, 0, 0}}));
  expect_whole(join({ftyp(), box("mdat", kData), moov, Bytes{0, 0, 0, 3, 'j', 'u', 'n', 'k'}}));
}

TEST(ClipMp4, MoovBeforeMdat) {
  Bytes stbl;
  for (const auto& table : tables()) append(stbl, table);
  const auto moov_size = static_cast<std::uint32_t>(box("moov", track(1, "vide", stbl)).size());
  auto moved = tables();
  moved[3] = words("stco", {0, 2, kDataAt + moov_size, kSecondChunk + moov_size});
  stbl.clear();
  for (const auto& table : moved) append(stbl, table);
  const auto file = join({ftyp(), box("moov", track(1, "vide", stbl)), box("mdat", kData)});
  expect_whole(file);

  // Cut anywhere in the data: the whole units before the cut, then an error.
  const auto data_at = file.size() - kData.size();
  for (std::size_t size = data_at; size < file.size(); ++size) {
    const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    const auto kept = size - data_at;
    expect_broken_after(kept >= 30 ? 4 : kept >= 19 ? 3 : kept >= 12 ? 2 : kept >= 6 ? 1 : 0, cut, "cut");
  }
  for (std::size_t size = 0; size < data_at - 8; ++size) {
    EXPECT_FALSE(open_clip(BytesView(file).first(size))) << size;
  }
}

TEST(ClipMp4, LengthsOfOneAndTwoBytesAndNotOfThree) {
  for (const unsigned length_size : {1u, 2u}) {
    const auto data = join({sized({0x65, 0x88}, length_size), sized({0x41}, length_size)});
    const auto file = movie(
        data, {stsd({avc1(length_size)}), words("stsz", {0, static_cast<std::uint32_t>(data.size()), 1}),
               words("stsc", {0, 1, 1, 1, 1}), words("stco", {0, 1, kDataAt})});
    const auto read = units_of(file);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_THAT(read->units, ElementsAre("6588", "41"));
    EXPECT_EQ(read->times, (std::vector<std::int64_t>{-1, -1}));  // no stts: no times
  }
  expect_refused(movie(kData, {stsd({avc1(3)}), kStsz, kStsc, kStco, kStts}), Errc::malformed, "3 bytes");
}

TEST(ClipMp4, SampleEntries) {
  const auto file_with = [](const Bytes& entry) {
    return movie(kData, {stsd({entry}), kStsz, kStsc, kStco});
  };
  expect_whole(file_with(visual_entry("avc3", avcc(4))));
  EXPECT_EQ(open_clip(file_with(visual_entry("hvc1", hvcc(4)))).value()->info().codec, Codec::h265);
  EXPECT_EQ(open_clip(file_with(visual_entry("hev1", hvcc(4)))).value()->info().codec, Codec::h265);
  expect_refused(file_with(visual_entry("encv", avcc(4))), Errc::unsupported, "encrypted");
  expect_refused(file_with(visual_entry("vp09", {})), Errc::unsupported, "vp09");
  expect_refused(file_with(visual_entry("avc1", hvcc(4))), Errc::malformed, "avcC is missing");
  expect_refused(file_with(visual_entry("avc1", join({avcc(4), avcc(2)}))), Errc::malformed, "twice");
  expect_refused(file_with(visual_entry("avc1", box("avcC", {1, 100, 0, 31}))), Errc::malformed, "");
  expect_refused(file_with(visual_entry("avc1", box("avcC", {2, 100, 0, 31, 0xff, 0xe0}))), Errc::unsupported,
                 "avcC");
  expect_refused(file_with(visual_entry("hvc1", box("hvcC", Bytes(22, 1)))), Errc::malformed, "");
  expect_refused(file_with(box("avc1", Bytes(77, 0))), Errc::malformed, "");
  const Bytes none = movie(kData, {stsd({}), kStsz, kStsc, kStco});
  expect_refused(none, Errc::malformed, "without sample entry");
}

TEST(ClipMp4, SeveralSampleEntries) {
  auto two = tables();
  two[0] = stsd({avc1(2), avc1(4)});
  two[2] = words("stsc", {0, 2, 1, 2, 2, 2, 1, 2});
  expect_whole(movie(kData, two));
  two[2] = words("stsc", {0, 2, 1, 2, 2, 2, 1, 3});
  expect_broken_after(3, movie(kData, two), "sample description");
  two[2] = words("stsc", {0, 2, 1, 2, 0, 2, 1, 2});
  expect_broken_after(0, movie(kData, two), "sample description");
  two[0] = stsd({avc1(4), visual_entry("hvc1", hvcc(4))});
  expect_refused(movie(kData, two), Errc::unsupported, "changes its codec");
  two[0] = stsd(std::vector<Bytes>(17, avc1(4)));
  expect_refused(movie(kData, two), Errc::limit, "sample entries");
  two[0] = words("stsd", {0, 3}, join({avc1(4), avc1(4)}));
  expect_refused(movie(kData, two), Errc::malformed, "stsd");
}

TEST(ClipMp4, OtherTracksAreNamed) {
  const auto audio = track(2, "soun", stsd({box("mp4a", Bytes(28, 0))}));
  const auto metadata = track(3, "meta", stsd({box("mett", Bytes(20, 0))}));
  const auto second_video = track(4, "vide", stsd({avc1()}));
  const auto strange = track(5, "a\n\xff ", {});
  const auto file = movie(kData, tables(), join({audio, metadata, second_video, strange}));
  expect_whole(file);
  EXPECT_THAT(open_clip(file).value()->info().not_video,
              ElementsAre("audio (mp4a)", "metadata (mett)", "video (avc1)", "a??  (empty)"));

  // The first that we can read; one that we cannot read is named.
  Bytes stbl;
  for (const auto& table : tables()) append(stbl, table);
  const auto vp9_first =
      join({ftyp(), box("mdat", kData),
            box("moov", join({track(9, "vide", stsd({visual_entry("vp09", {})})), track(1, "vide", stbl)}))});
  expect_whole(vp9_first);
  EXPECT_THAT(open_clip(vp9_first).value()->info().not_video, ElementsAre("video (vp09)"));

  expect_refused(join({ftyp(), box("moov", audio)}), Errc::unsupported, "no video track");
  Bytes many;
  for (std::uint32_t i = 0; i < 128; ++i) append(many, audio);
  expect_refused(movie(kData, tables(), many), Errc::limit, "tracks");
}

TEST(ClipMp4, PresentationTimes) {
  const auto times_with = [](const Bytes& ctts) {
    auto all = tables();
    all.push_back(ctts);
    return units_of(movie(kData, all)).value().times;
  };
  EXPECT_THAT(units_of(movie(kData, tables())).value().times, ElementsAre(0, 0, 400'000, 800'000));
  EXPECT_THAT(times_with(words("ctts", {0, 2, 1, 80, 2, 0})),
              ElementsAre(800'000, 800'000, 400'000, 800'000));
  EXPECT_THAT(times_with(words("ctts", {0x0100'0000, 2, 1, 0, 2, 0xffff'ffd8})),
              ElementsAre(0, 0, 0, 400'000));
  EXPECT_THAT(times_with(words("ctts", {0, 4, 0, 9, 1, 80, 0, 7, 2, 0})),
              ElementsAre(800'000, 800'000, 400'000, 800'000));
  auto zero_scale = movie(kData, tables());
  const auto mdhd =
      std::search(zero_scale.begin(), zero_scale.end(), std::begin("mdhd"), std::end("mdhd") - 1);
  std::fill(mdhd + 16, mdhd + 20, std::uint8_t{0});
  EXPECT_THAT(units_of(zero_scale).value().times, ElementsAre(-1, -1, -1, -1));
}

TEST(ClipMp4, UnitsOfLengthZeroArePassedOver) {
  const auto data = join({sized({}), sized({0x65, 0x88}), sized({})});
  const auto file = movie(data, {stsd({avc1()}), words("stsz", {0, 0, 3, 0, 14, 0}),
                                 words("stsc", {0, 1, 1, 3, 1}), words("stco", {0, 1, kDataAt})});
  const auto read = units_of(file);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->error, "");
  EXPECT_THAT(read->units, ElementsAre("6588"));
}

TEST(ClipMp4, UnitsStayInTheirSample) {
  auto data = kData;
  data[3] = 9;  // the first unit reaches into the sample's end
  expect_broken_after(0, movie(data, tables()), "longer than its sample");
  auto tail = tables();
  tail[1] = words("stsz", {0, 0, 3, 12, 9, 6});  // two bytes behind the unit of B
  expect_broken_after(3, movie(kData, tail), "longer than its sample");
  data = kData;
  data[12] = 0xff;  // a length of 4 GB
  expect_broken_after(2, movie(data, tables()), "longer than its sample");
}

TEST(ClipMp4, HostileTables) {
  const auto with = [](std::size_t table, const Bytes& replacement) {
    auto all = tables();
    all[table] = replacement;
    return movie(kData, all);
  };
  expect_refused(with(1, words("stsz", {0, 0, 4, 12, 7, 6})), Errc::malformed, "more rows");
  expect_refused(with(1, words("stsz", {0, 0, 0xffff'ffff, 12})), Errc::malformed, "more rows");
  expect_refused(with(1, words("stsz", {0, 1, 0xffff'ffff})), Errc::malformed, "room");
  expect_refused(with(1, words("stz2", {0, 3, 1, 0})), Errc::malformed, "stz2");
  expect_refused(with(1, words("stz2", {0, 4, 3}, {0xc7})), Errc::malformed, "more rows");
  expect_refused(with(1, box("free", {})), Errc::malformed, "sample sizes");
  expect_refused(with(1, join({kStsz, kStsz})), Errc::malformed, "twice");
  expect_refused(with(1, join({kStsz, words("stz2", {0, 8, 0})})), Errc::malformed, "together");
  expect_refused(with(2, words("stsc", {0, 0x1555'5556, 1, 1, 1})), Errc::malformed,
                 "more rows");  // 12 n wraps in 32 bits
  expect_refused(with(2, box("free", {})), Errc::malformed, "stsc");
  expect_broken_after(0, with(2, words("stsc", {0, 0})), "chunk 1");
  expect_broken_after(0, with(2, words("stsc", {0, 1, 2, 3, 1})), "chunk 1");
  expect_broken_after(0, with(2, words("stsc", {0, 1, 1, 0, 1})), "without samples");
  expect_broken_after(0, with(2, words("stsc", {0, 2, 1, 2, 1, 1, 1, 1})), "order");
  expect_broken_after(2, with(2, words("stsc", {0, 3, 1, 1, 1, 2, 1, 1, 2, 1, 1})), "order");
  expect_broken_after(3, with(2, words("stsc", {0, 1, 1, 1, 1})), "");
  expect_refused(with(3, words("stco", {0, 3, 1, 2})), Errc::malformed, "more rows");
  expect_refused(with(3, join({kStco, words("co64", {0, 0})})), Errc::malformed, "together");
  expect_refused(with(3, box("free", {})), Errc::malformed, "chunk offsets");
  expect_broken_after(0, with(3, words("stco", {0, 0})), "chunks");
  expect_broken_after(3, with(3, words("stco", {0, 1, kDataAt})), "chunks");
  expect_broken_after(0, with(3, words("stco", {0, 2, 0xffff'ffff, kSecondChunk})), "outside");
  expect_broken_after(3, with(3, words("co64", {0, 2, 0, kDataAt, 0xffff'ffff, 0xffff'ffff})), "");
  expect_refused(with(4, words("stts", {0, 0xffff'ffff, 1, 1})), Errc::malformed, "more rows");
  // The same bytes again and again: refused as soon as it is more than the file.
  auto again = tables();
  Bytes offsets;
  for (int i = 0; i < 1000; ++i) append(offsets, Bytes{0, 0, 0, kDataAt});
  again[1] = words("stsz", {0, 12, 100});
  again[2] = words("stsc", {0, 1, 1, 1, 1});
  again[3] = words("stco", {0, 1000}, offsets);
  again.push_back(box("free", Bytes(100, 0)));
  const auto whole = movie(kData, again);
  EXPECT_GT(whole.size(), 1200u);
  again[1] = words("stsz", {0, 0, 1000}, [] {
    Bytes sizes;
    for (int i = 0; i < 1000; ++i) append(sizes, Bytes{0, 0, 0, 12});
    return sizes;
  }());
  const auto read = units_of(movie(kData, again)).value();
  EXPECT_THAT(read.error, HasSubstr("overlap"));
  EXPECT_LT(read.units.size(), 2000u);
}

TEST(ClipMp4, HostileBoxes) {
  const auto good = movie(kData, tables());
  const auto moov = Bytes(good.begin() + static_cast<std::ptrdiff_t>(kDataAt + kData.size()), good.end());
  expect_refused(join({good, moov}), Errc::malformed, "twice");
  expect_refused(join({ftyp(), box("mdat", kData)}), Errc::malformed, "moov");
  expect_refused(join({ftyp(), Bytes{0, 0, 0, 7, 'm', 'o', 'o', 'v'}}), Errc::malformed, "smaller");
  expect_refused(join({ftyp(), Bytes{0, 0, 0, 1, 'm', 'o', 'o', 'v', 0, 0, 0}}), Errc::malformed, "header");
  expect_refused(join({ftyp(), Bytes{0, 0, 0, 1, 'm', 'd', 'a', 't', 0, 0, 0, 0, 0, 0, 0, 15}}),
                 Errc::malformed, "smaller");
  expect_refused(join({ftyp(), Bytes{0xff, 0, 0, 0, 'm', 'o', 'o', 'v'}}), Errc::malformed, "ends inside");
  // Sizes inside moov that reach out of their box, are zero, or smaller than a header.
  for (std::size_t at = 8; at + 8 < moov.size(); ++at) {
    for (const auto value : Bytes{0x00, 0x01, 0x07, 0x7f, 0xff}) {
      auto broken = moov;
      broken[at] = value;
      const auto file = join({ftyp(), box("mdat", kData), broken});
      if (const auto source = open_clip(file)) read_all(**source, file);  // no crash, and it ends
    }
  }
  expect_refused(join({ftyp(), box("moov", Bytes{0, 0, 0, 0, 't', 'r', 'a', 'k'})}), Errc::malformed,
                 "without a size");
  expect_refused(join({ftyp(), box("moov", Bytes{0, 0, 0, 9, 't', 'r', 'a', 'k'})}), Errc::malformed,
                 "longer");
  expect_refused(join({ftyp(), box("moov", box("trak", {}))}), Errc::malformed, "mdia is missing");
}

TEST(ClipMp4, OtherKindsOfFiles) {
  EXPECT_TRUE(looks_like_matroska(Bytes{0x1a, 0x45, 0xdf, 0xa3, 0x01}));
  EXPECT_FALSE(looks_like_matroska(Bytes{0x1a, 0x45, 0xdf}));
  EXPECT_FALSE(looks_like_matroska(Bytes{0x1a, 0x45, 0xdf, 0xa4, 0x01}));
  expect_refused({0x1a, 0x45, 0xdf, 0xa3, 0x01}, Errc::unsupported, "Matroska");
  expect_refused({}, Errc::malformed, "empty");
  expect_refused({0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 'J', 'F', 'I', 'F'}, Errc::malformed, "neither");
}

}  // namespace
}  // namespace camvault::codec::test

// Large and hostile inputs: memory does not follow what a file claims or how long it is, and time stays
// linear.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <new>

#include "camvault/codec/annex_b.h"
#include "camvault/codec/clip.h"
#include "mp4_builder.h"

namespace {
std::size_t g_allocated = 0;  // bytes asked for since the program began; the tests here use one thread
}

// Not inlined: GCC would see free() on what an operator new gave, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  g_allocated += size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace camvault::codec::test {
namespace {

constexpr std::size_t kReaderMemory = 64 * 1024;  // a run of 256 units, and small change
// Ten times and more what it takes here; what is quadratic in a million needs hours.
constexpr double kLinearSeconds = 20;  // of the processor, so that other work does not count

struct Counted {
  std::size_t units = 0;
  std::size_t allocated = 0;
  bool failed = false;
};

Counted count_units(BytesView file) {
  const auto begin = std::clock();
  const auto before = g_allocated;
  Counted counted;
  const auto source = open_clip(file);
  if (!source) {
    counted.failed = true;
  } else {
    for (;;) {
      const auto run = (*source)->read();
      counted.failed = !run;
      if (!run || run->empty()) break;
      counted.units += run->size();
    }
  }
  counted.allocated = g_allocated - before;
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, kLinearSeconds);
  return counted;
}

Bytes repeated(const Bytes& piece, std::size_t count) {
  Bytes all;
  all.reserve(piece.size() * count);
  for (std::size_t i = 0; i < count; ++i) append(all, piece);
  return all;
}

Bytes big_endian(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

constexpr std::uint32_t kMany = 1'000'000;

TEST(ClipLimits, AMillionSamplesInTables) {
  const auto sample = sized({0x41, 0x9a});
  const auto file =
      movie(repeated(sample, kMany),
            {stsd({avc1()}), words("stsz", {0, 0, kMany}, repeated(big_endian(6), kMany)),
             words("stsc", {0, 1, 1, kMany, 1}), words("stco", {0, 1, kDataAt}),
             words("stts", {0, kMany}, repeated(join({big_endian(1), big_endian(40)}), kMany))});
  const auto counted = count_units(file);
  EXPECT_EQ(counted.units, kMany);
  EXPECT_FALSE(counted.failed);
  EXPECT_LT(counted.allocated, kReaderMemory);
}

TEST(ClipLimits, AMillionUnitsInOneSample) {
  const auto data = repeated(sized({0x41, 0x9a}), kMany);
  const auto file =
      movie(data, {stsd({avc1()}), words("stsz", {0, static_cast<std::uint32_t>(data.size()), 1}),
                   words("stsc", {0, 1, 1, 1, 1}), words("stco", {0, 1, kDataAt})});
  const auto counted = count_units(file);
  EXPECT_EQ(counted.units, kMany);
  EXPECT_LT(counted.allocated, kReaderMemory);
}

TEST(ClipLimits, AMillionUnitsOfLengthZero) {
  const auto data = join({Bytes(4 * kMany, 0), sized({0x65, 0x88})});
  const auto file =
      movie(data, {stsd({avc1()}), words("stsz", {0, static_cast<std::uint32_t>(data.size()), 1}),
                   words("stsc", {0, 1, 1, 1, 1}), words("stco", {0, 1, kDataAt})});
  EXPECT_EQ(count_units(file).units, 1u);
}

TEST(ClipLimits, AMillionSamplesWithoutBytes) {
  const auto file = movie(Bytes(8, 0), {stsd({avc1()}), words("stsz", {0, 0, kMany}, Bytes(4 * kMany, 0)),
                                        words("stsc", {0, 1, 1, kMany, 1}), words("stco", {0, 1, kDataAt})});
  const auto counted = count_units(file);
  EXPECT_EQ(counted.units, 0u);
  EXPECT_FALSE(counted.failed);
}

TEST(ClipLimits, ManyFragments) {
  const auto tables =
      join({stsd({avc1()}), words("stsz", {0, 0, 0}), words("stsc", {0, 0}), words("stco", {0, 0})});
  const auto init =
      join({ftyp(),
            box("moov", join({track(1, "vide", tables), box("mvex", words("trex", {0, 1, 1, 40, 6, 0}))}))});
  const auto moof = [](std::uint32_t data_at) {
    return box("moof", box("traf", join({words("tfhd", {0x02'0000, 1}), words("trun", {1, 1, data_at})})));
  };
  const auto fragment =
      join({moof(static_cast<std::uint32_t>(moof(0).size()) + 8), box("mdat", sized({0x41, 0x9a}))});
  const auto counted = count_units(join({init, repeated(fragment, 100'000)}));
  EXPECT_EQ(counted.units, 100'000u);
  EXPECT_FALSE(counted.failed);
  EXPECT_LT(counted.allocated, kReaderMemory);
}

TEST(ClipLimits, AMillionSmallBoxes) {
  const auto good =
      movie(sized({0x65, 0x88}), {stsd({avc1()}), words("stsz", {0, 6, 1}), words("stsc", {0, 1, 1, 1, 1}),
                                  words("stco", {0, 1, kDataAt})});
  EXPECT_EQ(count_units(join({good, repeated(box("free", {}), kMany)})).units, 1u);
  EXPECT_TRUE(count_units(join({ftyp(), repeated(box("free", {}), kMany)})).failed);
  EXPECT_TRUE(count_units(join({ftyp(), box("moov", repeated(box("trak", {}), kMany))})).failed);
  EXPECT_EQ(count_units(movie({}, {}, repeated(box("udta", {}), kMany))).units, 0u);
}

TEST(ClipLimits, RawStreamsOfZerosAndStartCodes) {
  EXPECT_TRUE(count_units(Bytes(8u << 20, 0)).failed);
  const auto only_codes = repeated({0, 0, 1}, kMany);
  EXPECT_TRUE(count_units(only_codes).failed);
  const auto tiny_units = join({repeated({0, 0, 1, 0x65, 0x88}, kMany)});
  const auto counted = count_units(tiny_units);
  EXPECT_EQ(counted.units, kMany);
  EXPECT_LT(counted.allocated, kReaderMemory);
  // Zeros behind every unit: each is looked at a bounded number of times.
  EXPECT_EQ(count_units(repeated(join({{0, 0, 1, 0x65, 0x88}, Bytes(1000, 0)}), 10'000)).units, 10'000u);
}

}  // namespace
}  // namespace camvault::codec::test

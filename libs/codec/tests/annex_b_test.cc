#include "camvault/codec/annex_b.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "zero_pair.h"

namespace camvault::codec {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

std::vector<std::string> units(BytesView stream) {
  std::vector<std::string> out;
  AnnexBReader reader(stream);
  while (const auto unit = reader.next()) {
    EXPECT_TRUE(std::equal(unit->bytes.begin(), unit->bytes.end(),
                           stream.begin() + static_cast<std::ptrdiff_t>(unit->offset)));
    out.push_back(to_hex(unit->bytes));
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(AnnexB, UnitsLieBetweenStartCodes) {
  EXPECT_EQ(units(hex("000000016742000000016888000001658880")), (Texts{"6742", "6888", "658880"}));
  EXPECT_EQ(units(hex("00000165")), (Texts{"65"}));
}

TEST(AnnexB, ZerosAroundAUnitBelongToNoUnit) {
  EXPECT_EQ(units(hex("0000000000016742000000000001680000")), (Texts{"6742", "68"}));
}

TEST(AnnexB, NothingBeforeTheFirstStartCode) {
  EXPECT_EQ(units(hex("abcdef000001658880")), (Texts{"658880"}));
  EXPECT_EQ(units(hex("abcdef0000")), (Texts{}));
  EXPECT_EQ(units(hex("0001658880")), (Texts{}));
}

TEST(AnnexB, EmptyUnitsArePassedOver) {
  EXPECT_EQ(units(hex("000001000001000001650000010000")), (Texts{"65"}));
  EXPECT_EQ(units(hex("000001")), (Texts{}));
  EXPECT_EQ(units({}), (Texts{}));
}

TEST(AnnexB, AlmostStartCodesAreData) {
  EXPECT_EQ(units(hex("0000016500000302000002ff0001ff")), (Texts{"6500000302000002ff0001ff"}));
}

// The fast scanner against the obvious one: every alignment and distance from the end, dense and sparse
// zeros.
TEST(AnnexB, AgreesWithANaiveScanner) {
  const auto naive = [](BytesView bytes, std::size_t from) {
    for (std::size_t i = from; i + 2 < bytes.size(); ++i) {
      if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1) return i;
    }
    return bytes.size();
  };
  std::mt19937 random(11);
  for (int round = 0; round < 3'000; ++round) {
    Bytes bytes(random() % 400);
    const auto zeros = random() % 100;
    for (auto& byte : bytes) {
      byte = static_cast<std::uint8_t>(random() % 100 < zeros ? random() % 2 : random() % 256);
    }
    for (std::size_t from = 0; from <= bytes.size(); ++from) {
      ASSERT_EQ(find_start_code(bytes, from), naive(bytes, from)) << from << " " << to_hex(bytes);
    }
  }
  for (std::size_t size = 3; size < 300; ++size) {
    for (std::size_t at = 0; at + 3 <= size; ++at) {
      Bytes bytes(size, 0xff);
      std::memcpy(bytes.data() + at, "\0\0\1", 3);
      ASSERT_EQ(find_start_code(bytes), at);
      ASSERT_EQ(find_start_code(bytes, at + 1), size);
    }
  }
}

// What other processors use gives the same answers as what is used here.
TEST(AnnexB, ZeroPairsAreFoundTheSameWayEverywhere) {
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes(kPairBlock + 1);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % 8 == 0 ? 0 : random() % 2 << 7 | 1);
    bool expected = false;
    for (std::size_t i = 0; i < kPairBlock; ++i) expected |= bytes[i] == 0 && bytes[i + 1] == 0;
    ASSERT_EQ(has_zero_pair(bytes.data()), expected) << to_hex(bytes);
    ASSERT_EQ(has_zero_pair_portable(bytes.data()), expected) << to_hex(bytes);
  }
}

TEST(AnnexB, FromPastTheEndFindsNothing) {
  EXPECT_EQ(find_start_code(hex("000001"), 3), 3u);
  EXPECT_EQ(find_start_code(hex("000001"), 99), 3u);
}

}  // namespace
}  // namespace camvault::codec

#include "camvault/codec/emulation.h"

#include <gtest/gtest.h>

#include <random>

namespace camvault::codec {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

TEST(Emulation, EscapesExactlyTheBytesBelowFour) {
  EXPECT_EQ(escape(hex("000000")), hex("00000300"));
  EXPECT_EQ(escape(hex("000001")), hex("00000301"));
  EXPECT_EQ(escape(hex("000002")), hex("00000302"));
  EXPECT_EQ(escape(hex("000003")), hex("00000303"));
  EXPECT_EQ(escape(hex("000004")), hex("000004"));
  EXPECT_EQ(escape(hex("0001")), hex("0001"));
  EXPECT_EQ(escape(hex("0000000001")), hex("00000300000301"));
}

TEST(Emulation, TheEndOfAUnitGetsItsByte) {
  EXPECT_EQ(escape(hex("800000")), hex("80000003"));
  EXPECT_EQ(escape(hex("800000"), {.ends_unit = false}), hex("800000"));
}

TEST(Emulation, ZerosBeforeThePayloadCount) {
  EXPECT_EQ(escape(hex("01ff"), {.zeros_before = 2}), hex("0301ff"));
  EXPECT_EQ(escape(hex("0001"), {.zeros_before = 1}), hex("000301"));
  EXPECT_EQ(escape(hex("01ff"), {.zeros_before = 1}), hex("01ff"));
  EXPECT_EQ(escape(hex("01"), {.zeros_before = 7}), hex("0301"));
}

TEST(Emulation, UnescapeDropsOnlyTheThirdByte) {
  EXPECT_EQ(unescape(hex("00000301")), hex("000001"));
  EXPECT_EQ(unescape(hex("000003")), hex("0000"));
  EXPECT_EQ(unescape(hex("0000030003")), hex("00000003"));  // counting starts again after a dropped byte
  EXPECT_EQ(unescape(hex("000303")), hex("000303"));
  EXPECT_EQ(unescape(hex("00000003ff")), hex("000000ff"));
  EXPECT_EQ(unescape(hex("000001")), hex("000001"));  // never escaped: left alone
  EXPECT_EQ(unescape({}), Bytes{});
}

TEST(Emulation, OffsetsLeadBack) {
  const auto escaped = hex("aa000003010000030300000300bb");
  const Unescaped map(escaped);
  EXPECT_EQ(to_bytes(map.bytes()), hex("aa00000100000300"
                                       "0000bb"));
  EXPECT_TRUE(map.had_escapes());
  for (std::size_t i = 0; i < map.bytes().size(); ++i) {
    EXPECT_EQ(map.bytes()[i], escaped[map.escaped_offset(i)]) << i;
  }
  EXPECT_EQ(map.escaped_offset(2), 2u);
  EXPECT_EQ(map.escaped_offset(3), 4u);  // the 01 behind the first dropped byte
  EXPECT_EQ(map.escaped_offset(map.bytes().size()), escaped.size());
  EXPECT_EQ(map.escaped_offset(9999), escaped.size());
}

TEST(Emulation, RoundTripOnBytesThatNeedIt) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    Bytes payload(random() % 40);
    for (auto& byte : payload) byte = static_cast<std::uint8_t>(random() % 6 < 4 ? 0 : random() % 5);
    const auto escaped = escape(payload);
    ASSERT_EQ(unescape(escaped), payload) << to_hex(payload);
    for (std::size_t i = 0; i + 2 < escaped.size(); ++i) {
      ASSERT_FALSE(escaped[i] == 0 && escaped[i + 1] == 0 && escaped[i + 2] < 3) << to_hex(payload);
    }
  }
}

}  // namespace
}  // namespace camvault::codec

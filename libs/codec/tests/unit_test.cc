#include "camvault/codec/unit.h"

#include <gtest/gtest.h>

#include <set>

namespace camvault::codec {
namespace {

// AX-4.1-1: what is hashed follows from the type of a unit.
TEST(Unit, H264KindsFollowTable7_1) {
  const std::set<int> slices{1, 2, 3, 4, 5, 20, 21};
  const std::set<int> parameter_sets{7, 8, 13, 15};
  const std::set<int> delimiters{9, 10, 11, 12};
  for (int type = 0; type < 32; ++type) {
    const Bytes unit{static_cast<std::uint8_t>(0x60 | type), 0x80, 0x12};
    const auto info = classify(Codec::h264, unit);
    EXPECT_EQ(info.type, type);
    const auto expected = slices.contains(type)           ? UnitKind::slice
                          : type == 6                     ? UnitKind::sei
                          : parameter_sets.contains(type) ? UnitKind::parameter_set
                          : delimiters.contains(type)     ? UnitKind::delimiter
                                                          : UnitKind::other;
    EXPECT_EQ(info.kind, expected) << type;
    EXPECT_EQ(info.first_slice, type == 1 || type == 2 || type == 5) << type;
    EXPECT_EQ(info.gop_start, type == 5) << type;
    EXPECT_EQ(info.reference_hashed, type == 1 || type == 5) << type;
  }
}

TEST(Unit, H265KindsFollowTable7_1) {
  for (int type = 0; type < 64; ++type) {
    for (int layer : {0, 1, 63}) {
      const Bytes unit{static_cast<std::uint8_t>(type << 1 | layer >> 5),
                       static_cast<std::uint8_t>((layer & 31) << 3 | 1), 0x80};
      const auto info = classify(Codec::h265, unit);
      EXPECT_EQ(info.type, type);
      const auto expected = type < 32    ? UnitKind::slice
                            : type <= 34 ? UnitKind::parameter_set
                            : type <= 38 ? UnitKind::delimiter
                            : type <= 40 ? UnitKind::sei
                                         : UnitKind::other;
      EXPECT_EQ(info.kind, expected) << type;
      EXPECT_EQ(info.first_slice, type < 32) << type;
      EXPECT_EQ(info.gop_start, type >= 16 && type <= 21) << type;
      EXPECT_EQ(info.reference_hashed, type <= 1 || (type >= 16 && type <= 21)) << type;
    }
  }
}

TEST(Unit, FirstSliceIsTheFirstBitAfterTheHeader) {
  EXPECT_TRUE(classify(Codec::h264, Bytes{0x65, 0x88}).first_slice);
  EXPECT_FALSE(classify(Codec::h264, Bytes{0x65, 0x48}).first_slice);  // first_mb_in_slice = 1
  EXPECT_TRUE(classify(Codec::h265, Bytes{0x26, 0x01, 0xaf}).first_slice);
  EXPECT_FALSE(classify(Codec::h265, Bytes{0x26, 0x01, 0x2f}).first_slice);
}

TEST(Unit, ShortUnits) {
  EXPECT_EQ(classify(Codec::h264, {}).kind, UnitKind::broken);
  EXPECT_EQ(classify(Codec::h265, {}).kind, UnitKind::broken);
  EXPECT_EQ(classify(Codec::h265, Bytes{0x26}).kind, UnitKind::broken);
  const auto h264 = classify(Codec::h264, Bytes{0x65});
  EXPECT_EQ(h264.kind, UnitKind::slice);
  EXPECT_TRUE(h264.gop_start);
  EXPECT_FALSE(h264.first_slice);
  const auto h265 = classify(Codec::h265, Bytes{0x26, 0x01});
  EXPECT_EQ(h265.kind, UnitKind::slice);
  EXPECT_FALSE(h265.first_slice);
}

TEST(Unit, ForbiddenBitIsBroken) {
  const auto h264 = classify(Codec::h264, Bytes{0xe5, 0x88});
  EXPECT_EQ(h264.kind, UnitKind::broken);
  EXPECT_FALSE(h264.reference_hashed);
  EXPECT_FALSE(h264.gop_start);
  EXPECT_EQ(classify(Codec::h265, Bytes{0xa6, 0x01, 0xaf}).kind, UnitKind::broken);
}

TEST(Unit, TrailingZerosAreCut) {
  EXPECT_TRUE(equal(without_trailing_zeros(Bytes{0x65, 0, 0x80, 0, 0}), Bytes{0x65, 0, 0x80}));
  EXPECT_TRUE(equal(without_trailing_zeros(Bytes{0x65, 0x80}), Bytes{0x65, 0x80}));
  EXPECT_TRUE(without_trailing_zeros(Bytes{0, 0, 0}).empty());
  EXPECT_TRUE(without_trailing_zeros({}).empty());
}

}  // namespace
}  // namespace camvault::codec

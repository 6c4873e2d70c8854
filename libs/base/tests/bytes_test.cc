#include "camvault/base/bytes.h"

#include <gtest/gtest.h>

namespace camvault {
namespace {

TEST(Hex, RoundTripsAndRefusesNeighbours) {
  const Bytes bytes{0x00, 0x7f, 0xff};
  EXPECT_EQ(to_hex(bytes), "007fff");
  EXPECT_EQ(from_hex("007FfF").value(), bytes);
  EXPECT_FALSE(from_hex("007ff"));
  EXPECT_FALSE(from_hex("007fg0"));
}

TEST(EqualConstantTime, ComparesLengthAndContent) {
  EXPECT_TRUE(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
}

}  // namespace
}  // namespace camvault

#include "camvault/base/byte_reader.h"

#include <gtest/gtest.h>

#include "camvault/base/byte_writer.h"

namespace camvault {
namespace {

TEST(ByteReader, ReadsWhatTheWriterWrote) {
  ByteWriter out;
  out.u8(0x01);
  out.u16(0x0203);
  out.u24(0x040506);
  out.u32(0x0708090a);
  out.u64(0x0b0c0d0e0f101112);
  const auto bytes = out.take();
  ByteReader in(bytes);
  EXPECT_EQ(in.u8().value(), 0x01);
  EXPECT_EQ(in.u16().value(), 0x0203);
  EXPECT_EQ(in.u24().value(), 0x040506u);
  EXPECT_EQ(in.u32().value(), 0x0708090au);
  EXPECT_EQ(in.u64().value(), 0x0b0c0d0e0f101112u);
  EXPECT_TRUE(in.finish());
}

TEST(ByteReader, RefusesOneByteTooMany) {
  const Bytes bytes{1, 2, 3};
  ByteReader in(bytes);
  EXPECT_FALSE(in.u32());
  EXPECT_EQ(in.position(), 0u);  // a refused read does not move
  EXPECT_FALSE(in.finish());
  EXPECT_FALSE(in.take(static_cast<std::size_t>(-1)));
}

TEST(ByteReader, SubReaderCannotReachItsNeighbour) {
  const Bytes bytes{1, 2, 3, 4};
  ByteReader in(bytes);
  auto sub = in.sub(2).value();
  EXPECT_FALSE(sub.u24());
  EXPECT_EQ(in.u8().value(), 3);
}

}  // namespace
}  // namespace camvault

#include "camvault/base/pem.h"

#include <gtest/gtest.h>

namespace camvault {
namespace {

TEST(Pem, WhatIsWrittenIsReadWhateverItsLength) {
  Bytes content;
  for (int size = 0; size < 200; ++size) {
    const auto text = write_pem("THING", content);
    const auto blocks = read_pem(text, "THING");
    ASSERT_TRUE(blocks) << blocks.error().what;
    ASSERT_EQ(blocks->size(), 1u);
    EXPECT_EQ(blocks->front(), content);
    content.push_back(static_cast<std::uint8_t>(size * 7));
  }
}

TEST(Pem, BlocksOfOneLabelInOrderAndNothingElse) {
  const auto text = "a line\n" + write_pem("A", as_bytes("one")) + write_pem("B", as_bytes("two")) +
                    write_pem("A", as_bytes("three"));
  const auto blocks = read_pem(text, "A").value();
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(as_text(blocks[1]), "three");
  EXPECT_TRUE(read_pem(text, "C")->empty());
  EXPECT_EQ(read_pem(text, "A", 1).error().code, Errc::limit);
}

TEST(Pem, BrokenOnesAreRefused) {
  auto text = write_pem("A", as_bytes("hello"));
  EXPECT_EQ(text, "-----BEGIN A-----\naGVsbG8=\n-----END A-----\n");
  EXPECT_FALSE(read_pem("-----BEGIN A-----\naGVsbG8=\n", "A"));
  EXPECT_FALSE(read_pem("-----BEGIN A-----\naGVsbG8\n-----END A-----\n", "A"));
  EXPECT_FALSE(read_pem("-----BEGIN A-----\naG*sbG8=\n-----END A-----\n", "A"));
  EXPECT_FALSE(read_pem("-----BEGIN A-----\naGV=bG8=\n-----END A-----\n", "A"));
  EXPECT_FALSE(read_pem("-----BEGIN A-----\na===\n-----END A-----\n", "A"));
}

}  // namespace
}  // namespace camvault

#include "camvault/base/secret.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace camvault {
namespace {

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);

TEST(Secret, AbsorbWipesTheSource) {
  Bytes source{1, 2, 3};
  const auto* memory = source.data();
  source.reserve(3);
  const auto secret = Secret::absorb(std::move(source));
  EXPECT_TRUE(secret.equals(Bytes{1, 2, 3}));
  EXPECT_EQ(memory[0], 0);  // the vector keeps its memory after clear()
  EXPECT_EQ(memory[2], 0);
}

TEST(Secret, MovesAndLeavesNothingBehind) {
  Secret a{Bytes{1, 2}};
  const Secret b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the promise
  EXPECT_EQ(b.size(), 2u);
  EXPECT_FALSE(b.equals(Bytes{1, 3}));
}

}  // namespace
}  // namespace camvault

// Points added eight at a time are what OpenSSL adds, for any number of them; what eight lanes cannot add
// (equal points, opposite ones) is said, and never a wrong sum.
#include <gtest/gtest.h>
#include <openssl/obj_mac.h>

#include <numeric>

#include "ossl.h"
#include "p256_points.h"
#include "p256_table.h"

namespace camvault::crypto_openssl::p256 {
namespace {

#if defined(__x86_64__)
class P256Sum : public testing::Test {
 protected:
  void SetUp() override {
    if (best_p256_additions() != P256Additions::by_eight) GTEST_SKIP() << "no AVX-512 IFMA in this processor";
  }

  Number number_of(const BIGNUM* value) {
    Number out{};
    EXPECT_EQ(BN_bn2lebinpad(value, reinterpret_cast<unsigned char*>(out.data()), 32), 32);
    return out;
  }
  // The coordinates of k G as plain numbers.
  Affine multiple(unsigned long k) {
    const Owned<EC_POINT, EC_POINT_free> point(EC_POINT_new(group_.get()));
    const BigNumber factor(BN_new());
    BN_set_word(factor.get(), k);
    EXPECT_EQ(EC_POINT_mul(group_.get(), point.get(), factor.get(), nullptr, nullptr, context_.get()), 1);
    const BigNumber x(BN_new());
    const BigNumber y(BN_new());
    EXPECT_EQ(EC_POINT_get_affine_coordinates(group_.get(), point.get(), x.get(), y.get(), context_.get()),
              1);
    return {number_of(x.get()), number_of(y.get())};
  }
  // As tables have it: times 2^260.
  Affine stored(unsigned long k) {
    auto point = multiple(k);
    for (auto* number : {&point.x, &point.y}) {
      *number = Field::enter(*number);
      for (int i = 0; i < 4; ++i) *number = Field::plus(*number, *number);
    }
    return point;
  }
  // k_1 G + k_2 G + ...; nothing if the lanes could not.
  std::optional<Jacobian> sum_of(const std::vector<long>& factors) {
    std::vector<Affine> points;
    for (const auto k : factors) points.push_back(stored(static_cast<unsigned long>(std::abs(k))));
    std::vector<Summand> summands;
    for (std::size_t i = 0; i < factors.size(); ++i) summands.push_back({&points[i], factors[i] < 0});
    Jacobian out;
    if (!sum_by_eight(summands, out)) return std::nullopt;
    return out;
  }
  void expect_multiple(const Jacobian& point, long k) {
    const auto right = multiple(static_cast<unsigned long>(std::abs(k)));
    const auto z2 = Field::squared(point.z);
    EXPECT_EQ(Field::times(Field::enter(right.x), z2), point.x) << k;
    const auto y = Field::times(Field::enter(right.y), Field::times(z2, point.z));
    EXPECT_EQ(k < 0 ? Field::minus(Number{}, y) : y, point.y) << k;
  }

  const Owned<EC_GROUP, EC_GROUP_free> group_{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  const Owned<BN_CTX, BN_CTX_free> context_{BN_CTX_new()};
};

TEST_F(P256Sum, OfAnyNumberOfPoints) {
  for (std::size_t count = 8; count <= 86; ++count) {
    std::vector<long> factors(count);
    // Growing quickly enough that no part of the sum is the next summand.
    long factor = 1;
    for (auto& k : factors) {
      k = factor % 3 == 0 ? -factor : factor;
      factor = factor * 5 % 1000003 + 7;
    }
    const auto total = std::accumulate(factors.begin(), factors.end(), 0L);
    ASSERT_NE(total, 0);
    const auto out = sum_of(factors);
    ASSERT_TRUE(out.has_value()) << count;
    expect_multiple(*out, total);
  }
}

TEST_F(P256Sum, SaysWhatItCannotAdd) {
  EXPECT_FALSE(sum_of({1, 2, 3, 4, 5, 6, 7}).has_value()) << "seven points";
  const std::vector<long> good = {1,  20, 300, 4000, 50000, 600000, 7000000, 80000000,
                                  11, 23, 307, 4001, 50021, 600011, 7000003, 80000023};
  ASSERT_TRUE(sum_of(good).has_value());
  for (std::size_t lane = 0; lane < 8; ++lane) {
    for (const long sign : {1L, -1L}) {
      auto same = good;
      same[lane + 8] = sign * same[lane];
      EXPECT_FALSE(sum_of(same).has_value()) << "lane " << lane << ": the same point again, " << sign;
    }
  }
  // Two lanes that come to the same.
  EXPECT_FALSE(sum_of({1, 20, 300, 4000, 1, 600000, 7000000, 80000000}).has_value());
  EXPECT_FALSE(sum_of({1, 20, 300, 4000, 50000, 600000, 7000000, -4000}).has_value());
  // Nothing is taken from lanes that the last round does not need: their points stand in for others there.
  auto more = good;
  more.push_back(900000001);
  const auto out = sum_of(more);
  ASSERT_TRUE(out.has_value());
  expect_multiple(*out, std::accumulate(more.begin(), more.end(), 0L));
}
#endif

}  // namespace
}  // namespace camvault::crypto_openssl::p256

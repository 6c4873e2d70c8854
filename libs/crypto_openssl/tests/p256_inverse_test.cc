// Inverses beside OpenSSL's, for numbers at the edges and random ones, modulo both numbers of the curve.
#include <gtest/gtest.h>

#include <random>

#include "ossl.h"
#include "p256_numbers.h"

namespace camvault::crypto_openssl::p256 {
namespace {

Number by_openssl(const Number& a, const Number& modulus) {
  const Owned<BN_CTX, BN_CTX_free> context(BN_CTX_new());
  const auto number = [](const Number& words) {
    return BigNumber(BN_lebin2bn(reinterpret_cast<const unsigned char*>(words.data()), 32, nullptr));
  };
  const BigNumber out(BN_mod_inverse(nullptr, number(a).get(), number(modulus).get(), context.get()));
  Number words{};
  EXPECT_EQ(BN_bn2lebinpad(out.get(), reinterpret_cast<unsigned char*>(words.data()), 32), 32);
  return words;
}

TEST(P256Inverse, IsOpensslsAtTheEdges) {
  for (const auto& modulus : {kP, kN}) {
    std::vector<Number> numbers;
    for (std::size_t word = 0; word < 4; ++word) {
      for (int bit = 0; bit < 64; ++bit) {
        Number power{};
        power[word] = std::uint64_t{1} << bit;
        numbers.push_back(power);
        Number below = modulus;
        subtract(modulus, power, below);
        numbers.push_back(below);
        Number ones{};
        subtract(power, Number{1}, ones);
        if (!is_zero(ones)) numbers.push_back(ones);
      }
    }
    for (const auto& a : numbers) {
      ASSERT_TRUE(less(a, modulus));
      EXPECT_EQ(inverse(a, modulus), by_openssl(a, modulus));
    }
  }
}

TEST(P256Inverse, IsOpensslsForRandomNumbers) {
  std::mt19937_64 random(7);
  for (const auto& modulus : {kP, kN}) {
    for (int i = 0; i < 5000; ++i) {
      Number a{};
      // Few words or all of them.
      for (std::size_t word = 0; word <= random() % 4; ++word) a[word] = random();
      if (is_zero(a) || !less(a, modulus)) continue;
      const auto ours = inverse(a, modulus);
      ASSERT_TRUE(less(ours, modulus));
      ASSERT_EQ(ours, by_openssl(a, modulus));
      ASSERT_EQ(inverse(ours, modulus), a);
    }
  }
}

}  // namespace
}  // namespace camvault::crypto_openssl::p256

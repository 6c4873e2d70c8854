// Numbers of modules with and without the zeros that they begin with. IP-4.4-1.
#include "camvault/keystore_engine/module_values.h"

#include <gtest/gtest.h>

namespace camvault::keystore_engine {
namespace {

using keystore::KeyType;

Bytes number(std::size_t size, std::size_t zeros, std::uint8_t value) {
  Bytes out(size, value);
  std::fill_n(out.begin(), zeros, std::uint8_t{0});
  return out;
}
Bytes joined(Bytes a, const Bytes& b) {
  append(a, b);
  return a;
}

// X.690 8.3.2: no more zeros in front than the sign needs.
TEST(ModuleValues, SignaturesOfShortNumbersHaveTheShortestForm) {
  const auto r = number(32, 2, 0x11);
  const auto s = number(32, 1, 0x91);
  const auto der = ecdsa_der_of_raw(KeyType::ec_p256, joined(r, s));
  ASSERT_TRUE(der);
  // SEQUENCE, INTEGER of 30 bytes, INTEGER of 31 bytes and a zero for the sign.
  Bytes expected = {0x30, 2 + 30 + 2 + 32, 0x02, 30};
  append(expected, BytesView(r).last(30));
  append(expected, Bytes{0x02, 32, 0x00});
  append(expected, BytesView(s).last(31));
  EXPECT_EQ(*der, expected);
  EXPECT_EQ(ecdsa_der_of_pair(KeyType::ec_p256, BytesView(r).last(30), BytesView(s).last(31)).value(),
            expected);
  EXPECT_EQ(ecdsa_der_of_raw(KeyType::ec_p256, joined(number(31, 1, 0x11), number(31, 0, 0x91))).value(),
            expected)
      << "the zeros that both begin with may be left out";
}

TEST(ModuleValues, SignaturesOfOtherSizesAndOfZerosAreRefused) {
  const auto code = [](const Bytes& raw) { return ecdsa_der_of_raw(KeyType::ec_p256, raw).error().code; };
  EXPECT_EQ(code({}), Errc::malformed);
  EXPECT_EQ(code(Bytes(63, 1)), Errc::malformed);
  EXPECT_EQ(code(Bytes(66, 1)), Errc::malformed);
  EXPECT_EQ(code(joined(Bytes(32), Bytes(32, 1))), Errc::malformed);
  EXPECT_EQ(code(joined(Bytes(32, 1), Bytes(32))), Errc::malformed);
  EXPECT_EQ(ecdsa_der_of_raw(KeyType::rsa_2048, Bytes(64, 1)).error().code, Errc::malformed);
}

TEST(ModuleValues, AModulusMayBeginWithZerosAndMustHaveItsSize) {
  Bytes modulus(256, 0xc1);
  const auto plain = spki_of_rsa(KeyType::rsa_2048, modulus, Bytes{1, 0, 1});
  ASSERT_TRUE(plain);
  EXPECT_EQ(spki_of_rsa(KeyType::rsa_2048, joined(Bytes(2), modulus), Bytes{0, 1, 0, 1}).value(), *plain);
  modulus.front() = 0;
  EXPECT_EQ(spki_of_rsa(KeyType::rsa_2048, modulus, Bytes{1, 0, 1}).error().code, Errc::malformed);
}

TEST(ModuleValues, PointsKeepTheZerosTheyBeginWith) {
  Bytes point(65, 0x22);
  point[0] = 4;
  point[1] = point[33] = 0;
  const auto spki = spki_of_point(KeyType::ec_p256, point).value();
  EXPECT_EQ(Bytes(spki.end() - 65, spki.end()), point);
  EXPECT_EQ(spki_of_point(KeyType::ec_p256, BytesView(point).first(64)).error().code, Errc::malformed);
}

}  // namespace
}  // namespace camvault::keystore_engine

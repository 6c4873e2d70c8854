#include "camvault/codec/cbor.h"

#include <gtest/gtest.h>

#include <limits>

namespace camvault::codec {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}
bool accepted(std::string_view text) {
  return CborReader::open(hex(text)).has_value();
}

// Copies a value item by item: the law "what we accept re-encodes to itself" as a program.
void copy(CborReader& in, CborWriter& out) {
  while (!in.at_end()) {
    switch (in.type()) {
      case CborType::unsigned_integer:
        out.unsigned_integer(in.unsigned_integer().value());
        break;
      case CborType::negative_integer:
        out.integer(in.integer().value());
        break;
      case CborType::bytes:
        out.bytes(in.bytes().value());
        break;
      case CborType::text:
        out.text(in.text().value());
        break;
      case CborType::boolean:
        out.boolean(in.boolean().value());
        break;
      case CborType::null:
        ASSERT_TRUE(in.null());
        out.null();
        break;
      case CborType::array: {
        auto inner = in.array().value();
        out.begin_array();
        copy(inner, out);
        out.end();
        break;
      }
      case CborType::map: {
        auto inner = in.map().value();
        out.begin_map();
        copy(inner, out);
        out.end();
        break;
      }
      case CborType::end:
        FAIL();
    }
  }
}

// RFC 8949, appendix A: every example of the types that we have.
TEST(Cbor, Rfc8949Examples) {
  for (const auto* example : {"00",
                              "01",
                              "0a",
                              "17",
                              "1818",
                              "1819",
                              "1864",
                              "1903e8",
                              "1a000f4240",
                              "1b000000e8d4a51000",
                              "1bffffffffffffffff",
                              "20",
                              "29",
                              "3863",
                              "3903e7",
                              "f4",
                              "f5",
                              "f6",
                              "40",
                              "4401020304",
                              "60",
                              "6161",
                              "6449455446",
                              "62225c",
                              "62c3bc",
                              "63e6b0b4",
                              "64f0908591",
                              "80",
                              "83010203",
                              "8301820203820405",
                              "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
                              "a0",
                              "a201020304",
                              "a26161016162820203",
                              "826161a161626163",
                              "a56161614161626142616361436164614461656145"}) {
    const auto bytes = hex(example);
    auto in = CborReader::open(bytes);
    ASSERT_TRUE(in) << example << ": " << in.error().what;
    CborWriter out;
    copy(*in, out);
    EXPECT_EQ(out.take().value(), bytes) << example;
  }
}

TEST(Cbor, RefusesOtherEncodingsOfTheSameValue) {
  EXPECT_FALSE(accepted("1817"));  // 23 needs one byte
  EXPECT_FALSE(accepted("190018"));
  EXPECT_FALSE(accepted("1900ff"));
  EXPECT_FALSE(accepted("1a0000ffff"));
  EXPECT_FALSE(accepted("1b00000000ffffffff"));
  EXPECT_TRUE(accepted("1b0000000100000000"));
  EXPECT_FALSE(accepted("3817"));
  EXPECT_FALSE(accepted("580100"));
  EXPECT_FALSE(accepted("9800"));
  EXPECT_FALSE(accepted("b800"));
  EXPECT_FALSE(accepted("5f41004100ff"));  // indefinite lengths
  EXPECT_FALSE(accepted("7f6161ff"));
  EXPECT_FALSE(accepted("9f01ff"));
  EXPECT_FALSE(accepted("bf0102ff"));
}

TEST(Cbor, RefusesTypesThatWeDoNotHave) {
  for (const auto* example : {"f90000", "fa47c35000", "fb3ff199999999999a", "f7", "f0", "f818", "f820", "ff",
                              "c101", "d82001", "1c", "1d", "1e", "1f", "fc"}) {
    EXPECT_FALSE(accepted(example)) << example;
  }
}

TEST(Cbor, KeysAreSortedUniqueAndPlain) {
  EXPECT_TRUE(accepted("a201000200"));
  EXPECT_FALSE(accepted("a202000100"));
  EXPECT_FALSE(accepted("a201000100"));
  EXPECT_TRUE(accepted("a301002000616100"));  // 1, -1, "a"
  EXPECT_FALSE(accepted("a220000100"));
  EXPECT_TRUE(accepted("a2617a0062616100"));  // "z" before "aa": by length first
  EXPECT_FALSE(
      accepted("a2626161006"
               "17a00"));
  EXPECT_FALSE(accepted("a1410000"));  // byte string as key
  EXPECT_FALSE(accepted("a1f500"));
  EXPECT_FALSE(accepted("a18000"));
}

TEST(Cbor, RefusesWhatIsCutAndWhatIsLeftOver) {
  const auto whole = hex("a301820243aabbcc0a6261620b1903e8");
  ASSERT_TRUE(CborReader::open(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(CborReader::open(BytesView(whole).first(size))) << size;
  }
  auto longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(CborReader::open(longer));
}

TEST(Cbor, RefusesClaimsBeyondTheInput) {
  for (const auto* example :
       {"5bffffffffffffffff00", "7b7fffffffffffffff61", "9bffffffffffffffff00", "bb7fffffffffffffff0000",
        "bb80000000000000000000", "9a00ffffff00", "4200", "8201"}) {
    EXPECT_FALSE(accepted(example)) << example;
  }
}

TEST(Cbor, DepthIsLimited) {
  Bytes deepest(kCborMaxDepth, 0x81);
  deepest.push_back(0x00);
  EXPECT_TRUE(CborReader::open(deepest));
  Bytes deeper(kCborMaxDepth + 1, 0x81);
  deeper.push_back(0x00);
  EXPECT_FALSE(CborReader::open(deeper));
  EXPECT_FALSE(CborReader::open(Bytes(100'000, 0x81)));
  Bytes empty_containers(kCborMaxDepth, 0x81);
  empty_containers.push_back(0x80);
  EXPECT_FALSE(CborReader::open(empty_containers));
}

TEST(Cbor, TextIsUtf8) {
  EXPECT_TRUE(accepted("62c3bc"));
  EXPECT_FALSE(accepted("62c3c3"));
  EXPECT_FALSE(accepted("62c080"));  // overlong NUL
  EXPECT_FALSE(accepted("61c3"));
  EXPECT_FALSE(accepted("63eda080"));   // surrogate
  EXPECT_TRUE(accepted("64f48fbfbf"));  // U+10FFFF
  EXPECT_FALSE(accepted("64f4908080"));
  EXPECT_FALSE(accepted("63e08080"));
  EXPECT_FALSE(accepted("64f0808080"));
  EXPECT_FALSE(accepted("6180"));
  EXPECT_FALSE(accepted("61ff"));
}

TEST(Cbor, ReadsAMessageByItsKeys) {
  CborWriter out;
  out.begin_map();
  out.key(3);
  out.bytes(hex("cafe"));
  out.key(1);  // any order: the writer sorts
  out.text("sign");
  out.key("x");
  out.begin_array();
  out.integer(-5);
  out.boolean(true);
  out.null();
  out.end();
  out.end();
  const auto bytes = out.take().value();
  EXPECT_EQ(to_hex(bytes), "a301647369676e0342cafe61788324f5f6");

  auto whole = CborReader::open(bytes).value();
  auto map = whole.map().value();
  EXPECT_TRUE(whole.finish());
  EXPECT_EQ(map.items(), 6u);
  EXPECT_TRUE(map.key(1));
  EXPECT_FALSE(map.bytes());  // another type: refused, not moved
  EXPECT_EQ(map.text().value(), "sign");
  EXPECT_FALSE(map.at_key(2));
  EXPECT_FALSE(map.key(2));
  EXPECT_FALSE(map.finish());
  EXPECT_TRUE(map.at_key(3));
  EXPECT_EQ(to_hex(map.bytes().value()), "cafe");
  EXPECT_TRUE(map.key("x"));
  auto again = map;
  EXPECT_EQ(to_hex(again.raw_item().value()), "8324f5f6");
  auto array = map.array().value();
  EXPECT_EQ(array.integer().value(), -5);
  EXPECT_TRUE(array.boolean().value());
  EXPECT_TRUE(array.null());
  EXPECT_EQ(array.type(), CborType::end);
  EXPECT_FALSE(array.null());
  EXPECT_FALSE(array.raw_item());
  EXPECT_TRUE(array.finish());
  EXPECT_TRUE(map.finish());
}

TEST(Cbor, IntegersAtTheirLimits) {
  CborWriter out;
  out.begin_array();
  out.integer(std::numeric_limits<std::int64_t>::min());
  out.integer(std::numeric_limits<std::int64_t>::max());
  out.unsigned_integer(std::numeric_limits<std::uint64_t>::max());
  out.end();
  const auto bytes = out.take().value();
  auto whole = CborReader::open(bytes).value();
  auto array = whole.array().value();
  EXPECT_EQ(array.integer().value(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(array.integer().value(), std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(array.integer());
  EXPECT_EQ(array.unsigned_integer().value(), std::numeric_limits<std::uint64_t>::max());
  const auto too_low = hex("3b8000000000000000");
  auto reader = CborReader::open(too_low).value();
  EXPECT_FALSE(reader.integer());
}

TEST(Cbor, AKeyAndItsValueAreReadTogetherOrNotAtAll) {
  CborWriter out;
  out.begin_map();
  out.unsigned_integer(1, 7);
  out.boolean(2, true);
  out.bytes(3, hex("beef"));
  out.text(4, "four");
  out.end();
  const auto bytes = out.take().value();
  EXPECT_EQ(bytes, hex("a40107"
                       "02f5"
                       "0342beef"
                       "0464666f7572"));

  auto map = CborReader::open(bytes).value().map().value();
  EXPECT_FALSE(map.unsigned_integer(2));  // another key
  EXPECT_FALSE(map.text(1));              // another type
  EXPECT_EQ(map.unsigned_integer(1).value(), 7U);
  EXPECT_FALSE(map.bytes(2));
  EXPECT_EQ(map.boolean(2).value(), true);
  EXPECT_FALSE(map.unsigned_integer(3));
  EXPECT_EQ(to_bytes(map.bytes(3).value()), hex("beef"));
  EXPECT_FALSE(map.boolean(4));
  EXPECT_EQ(map.text(4).value(), "four");
  EXPECT_TRUE(map.finish());
  EXPECT_FALSE(map.text(5));  // nothing is left
}

TEST(Cbor, TheWriterKeepsItsCallersMistakes) {
  CborWriter open_array;
  open_array.begin_array();
  EXPECT_EQ(open_array.take().error().code, Errc::internal);

  CborWriter surplus_end;
  surplus_end.null();
  surplus_end.end();
  EXPECT_FALSE(surplus_end.take());

  CborWriter odd_map;
  odd_map.begin_map();
  odd_map.key(1);
  odd_map.end();
  EXPECT_FALSE(odd_map.take());

  CborWriter twice;
  twice.begin_map();
  twice.key(1);
  twice.null();
  twice.key(1);
  twice.null();
  twice.end();
  EXPECT_FALSE(twice.take());

  CborWriter two_values;
  two_values.null();
  two_values.null();
  EXPECT_FALSE(two_values.take());

  CborWriter not_utf8;
  not_utf8.text("\xff");
  EXPECT_FALSE(not_utf8.take());

  CborWriter bad_item;
  bad_item.begin_array();
  bad_item.raw_item(hex("8101ff"));
  bad_item.end();
  EXPECT_FALSE(bad_item.take());

  CborWriter nothing;
  EXPECT_FALSE(nothing.take());
}

}  // namespace
}  // namespace camvault::codec

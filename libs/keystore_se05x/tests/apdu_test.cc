#include "camvault/keystore_se05x/apdu.h"

#include <gtest/gtest.h>

#include "camvault/keystore_se05x/policy.h"
#include "camvault/keystore_se05x/tlv.h"

namespace camvault::keystore_se05x {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}
Errc command_error(std::string_view text) {
  const auto decoded = decode_command(hex(text));
  return decoded ? Errc::internal : decoded.error().code;
}

TEST(Apdu, CommandsOfEveryCaseComeBack) {
  const std::pair<std::string_view, CommandApdu> cases[] = {
      {"80040020", {0x80, 0x04, 0, 0x20, {}, false, false}},
      {"8004002000", {0x80, 0x04, 0, 0x20, {}, false, true}},
      {"80040020000000", {0x80, 0x04, 0, 0x20, {}, true, true}},
      {"800400490441020008", {0x80, 0x04, 0, 0x49, hex("41020008"), false, false}},
      {"80040049044102000800", {0x80, 0x04, 0, 0x49, hex("41020008"), false, true}},
      {"8004004900000441020008", {0x80, 0x04, 0, 0x49, hex("41020008"), true, false}},
      {"80040049000004410200080000", {0x80, 0x04, 0, 0x49, hex("41020008"), true, true}},
  };
  for (const auto& [bytes, command] : cases) {
    EXPECT_EQ(to_hex(encode_command(command)), bytes);
    const auto decoded = decode_command(hex(bytes));
    ASSERT_TRUE(decoded) << bytes;
    EXPECT_EQ(*decoded, command) << bytes;
  }
}

TEST(Apdu, RefusesLengthsThatDoNotAgree) {
  EXPECT_EQ(command_error(""), Errc::malformed);
  EXPECT_EQ(command_error("800400"), Errc::malformed);
  EXPECT_EQ(command_error("8004002001"), Errc::malformed);  // Le of 1
}

TEST(Apdu, RefusesCutAndLongerCommands) {
  EXPECT_EQ(command_error("8004004905410200"), Errc::malformed);
  EXPECT_EQ(command_error("80040049044102000801"), Errc::malformed);
  EXPECT_EQ(command_error("8004004904410200080000"), Errc::malformed);
  EXPECT_EQ(command_error("800400490000044102000800"), Errc::malformed);
  EXPECT_EQ(command_error("80040049000501"), Errc::limit);
  const auto whole = hex("80040049000004410200080000");
  for (std::size_t size = 6; size < whole.size(); ++size) {
    if (size == 11) continue;  // without Le it is a command of its own
    EXPECT_FALSE(decode_command(BytesView(whole).first(size))) << size;
  }
}

TEST(Apdu, AnswersNeedAStatusAndHaveALimit) {
  EXPECT_EQ(decode_response(hex("9000")).value(), (ResponseApdu{{}, 0x9000}));
  EXPECT_EQ(decode_response(hex("01026985")).value(), (ResponseApdu{hex("0102"), 0x6985}));
  EXPECT_EQ(to_hex(encode_response({hex("0102"), 0x6985})), "01026985");
  EXPECT_EQ(decode_response(hex("90")).error().code, Errc::malformed);
  EXPECT_EQ(decode_response({}).error().code, Errc::malformed);
  EXPECT_TRUE(decode_response(Bytes(kMaxResponseData + 2)));
  EXPECT_EQ(decode_response(Bytes(kMaxResponseData + 3)).error().code, Errc::limit);
}

TEST(Tlv, LengthsHaveThreeForms) {
  for (const std::size_t size : {0U, 1U, 127U, 128U, 255U, 256U, 1000U}) {
    const Bytes value(size, 0x11);
    const auto written = TlvWriter().put(0x41, value).take();
    EXPECT_EQ(written.size(), size + (size < 128 ? 2 : size < 256 ? 3 : 4));
    TlvReader in(written);
    EXPECT_TRUE(equal(in.need(0x41).value(), value));
    EXPECT_TRUE(in.finish());
    const auto long_form = TlvWriter(TlvLength::three_bytes).put(0x41, value).take();
    EXPECT_EQ(long_form.size(), size + 4);
    TlvReader again(long_form);
    EXPECT_TRUE(equal(again.need(0x41).value(), value));
    for (std::size_t cut = 1; cut <= written.size(); ++cut) {
      TlvReader shorter(BytesView(written).first(written.size() - cut));
      EXPECT_FALSE(shorter.need(0x41)) << size << " " << cut;
    }
  }
}

TEST(Tlv, FieldsComeInOrderAndFitTheirType) {
  const auto fields = TlvWriter().u32(0x41, 0x20000001).u8(0x42, 3).u16(0x43, 512).take();
  TlvReader in(fields);
  EXPECT_EQ(in.need_u32(0x41).value(), 0x20000001u);
  EXPECT_FALSE(in.maybe_u8(0x44).value());
  EXPECT_EQ(in.maybe_u8(0x42).value(), 3);
  EXPECT_FALSE(in.finish());
  EXPECT_FALSE(in.maybe_u8(0x43)) << "two bytes are no byte";
  TlvReader other(fields);
  EXPECT_FALSE(other.need_u16(0x41));
  TlvReader wrong(fields);
  EXPECT_FALSE(wrong.need(0x42));
  for (const auto form : {"4180", "4183000001aa", "41847fffffff", "41ff"}) {
    TlvReader bad{from_hex(form).value()};
    EXPECT_FALSE(bad.next()) << form;
  }
}

TEST(Policy, ComesBackAndHasOneRuleForEach) {
  PcrCondition pcr{0x7B000001, {}};
  pcr.value.fill(0xAA);
  const std::vector<PolicyRule> rules = {{0, may::kRead | may::kVerify}, {0x7DA00002, may::kSign, pcr}};
  const auto bytes = encode_policy(rules);
  EXPECT_EQ(bytes.size(), 9 + 1 + 44u);
  EXPECT_EQ(decode_policy(bytes).value(), rules);
  EXPECT_TRUE(decode_policy({}).value().empty());
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    if (size == 9) continue;  // the first rule alone
    EXPECT_FALSE(decode_policy(BytesView(bytes).first(size))) << size;
  }
  auto twice = encode_policy({{0, may::kRead}});
  append(twice, encode_policy({{0, may::kSign}}));
  EXPECT_FALSE(decode_policy(twice));
  auto longer = encode_policy({{0, may::kRead}});
  longer[0] = 9;
  longer.push_back(0);
  EXPECT_FALSE(decode_policy(longer));
  Bytes many;
  for (std::uint32_t who = 0; who < kMaxPolicyRules + 1; ++who)
    append(many, encode_policy({{who, may::kRead}}));
  EXPECT_EQ(decode_policy(many).error().code, Errc::limit);
}

}  // namespace
}  // namespace camvault::keystore_se05x

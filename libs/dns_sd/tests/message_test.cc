// Questions and answers on the link, byte by byte. RFC 1035 4, RFC 6762 18; AX-2.2-1
#include "camvault/dns_sd/message.h"

#include <gtest/gtest.h>

#include "dns_bytes.h"

namespace camvault::dns_sd::test {
namespace {

const std::vector<Record> kGood = {ptr(kType, kInstance), srv(kInstance, 3, 8443, "FLEET|local"),
                                   a("fleet|local", {192, 0, 2, 7})};

TEST(Question, AsTheStandardWantsIt) {
  Bytes expected{0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  const auto asked = name(kType);
  expected.insert(expected.end(), asked.begin(), asked.end());
  for (const unsigned value : {12u, 1u}) u16(expected, value);
  EXPECT_EQ(write_question({"_brski-registrar._tcp.local", RecordType::ptr}, 0x1234).value(), expected);
  EXPECT_EQ(write_question({"", RecordType::a}, 1).error().code, Errc::usage);
  EXPECT_EQ(write_question({std::string(64, 'a') + ".local", RecordType::a}, 1).error().code, Errc::usage);
  EXPECT_EQ(write_question({"a..local", RecordType::a}, 1).error().code, Errc::usage);
}

TEST(Question, NamesOfInstancesGoBackAsTheyCame) {
  const auto answers = read_answers(message(7, kGood), 7).value();
  const auto question = write_question({answers.pointers.at(0).target, RecordType::srv}, 7).value();
  const auto asked = name("the. fleet|_brski-registrar|_tcp|local");
  EXPECT_TRUE(std::equal(asked.begin(), asked.end(), question.begin() + 12));
}

TEST(Answers, WhatARegistrarSays) {
  const auto read = read_answers(message(7, kGood), 7);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->pointers.at(0).name, "_brski-registrar._tcp.local");
  EXPECT_EQ(read->servers.at(0).name, read->pointers.at(0).target);
  EXPECT_EQ(read->servers.at(0).host, "fleet.local");
  EXPECT_EQ(read->servers.at(0).priority, 3);
  EXPECT_EQ(read->servers.at(0).port, 8443);
  EXPECT_EQ(read->addresses.at(0).bytes[3], 7);
  // with the question again, and with the bit for caches
  auto flushed = kGood;
  flushed[1].klass = 0x8001;
  Bytes question = name(kType);
  for (const unsigned value : {12u, 1u}) u16(question, value);
  EXPECT_EQ(read_answers(message(7, flushed, 0x8400, question), 7)->servers.size(), 1u);
}

TEST(Answers, OfAnotherKindAreNone) {
  EXPECT_EQ(read_answers(message(8, kGood), 7).error().code, Errc::invalid);          // another question's
  EXPECT_EQ(read_answers(message(7, kGood, 0x0000), 7).error().code, Errc::invalid);  // a question
  EXPECT_EQ(read_answers(message(7, kGood, 0x8403), 7).error().code, Errc::invalid);  // an error
  EXPECT_EQ(read_answers(message(7, kGood, 0xa400), 7).error().code, Errc::invalid);  // an update
  auto other = kGood;
  other[0].klass = 3;  // CHAOS
  other[1].ttl = 0;    // gone
  const auto read = read_answers(message(7, other), 7).value();
  EXPECT_TRUE(read.pointers.empty());
  EXPECT_TRUE(read.servers.empty());
  EXPECT_EQ(read.addresses.size(), 1u);
  EXPECT_TRUE(read_answers(message(7, {{name(kType), 16, {1, 'x'}}}), 7)->pointers.empty());  // TXT
}

TEST(Answers, BrokenOnesAreRefused) {
  const auto whole = message(7, kGood);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(read_answers(BytesView(whole).first(size), 7).error().code, Errc::malformed) << size;
  auto more = whole;
  more.push_back(0);
  EXPECT_EQ(read_answers(more, 7).error().code, Errc::malformed);
  const auto refused = [](Record record) {
    return read_answers(message(7, {std::move(record)}), 7).error().code;
  };
  EXPECT_EQ(refused(a("fleet|local", {192, 0, 2})), Errc::malformed);
  EXPECT_EQ(refused(a("fleet|local", {192, 0, 2, 7, 1})), Errc::malformed);
  EXPECT_EQ(refused({name("fleet|local"), 28, Bytes(15, 1)}), Errc::malformed);
  EXPECT_EQ(refused({name(kType), 33, {0, 1, 0, 1, 0}}), Errc::malformed);
  EXPECT_EQ(refused({name(kType), 12, {5, 'a'}}), Errc::malformed);        // a label over the end
  EXPECT_EQ(refused({name(kType), 12, {1, 'a', 0, 9}}), Errc::malformed);  // something behind the name
  EXPECT_EQ(refused({name(kType), 12, {0xc0, 0xff}}), Errc::malformed);    // a pointer out of the message
  // a name that points at itself
  const auto at = static_cast<std::uint8_t>(12 + name(kType).size() + 10);
  EXPECT_EQ(refused({name(kType), 12, {0xc0, at}}), Errc::malformed);
}

TEST(Answers, Limits) {
  const std::vector<Record> most(kMaxRecords, a("x|local", {192, 0, 2, 1}));
  EXPECT_EQ(read_answers(message(7, most), 7)->addresses.size(), kMaxRecords);
  auto over = most;
  over.push_back(most[0]);
  EXPECT_EQ(read_answers(message(7, over), 7).error().code, Errc::limit);
  EXPECT_EQ(read_answers(Bytes(kMaxMessage + 1), 7).error().code, Errc::limit);
}

}  // namespace
}  // namespace camvault::dns_sd::test

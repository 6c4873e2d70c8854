#include "camvault/keystore_se05x/scp03.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace camvault::keystore_se05x {
namespace {

Secret key(std::uint8_t first, std::size_t size = 16) {
  return Secret::make(size, [&](std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(first + i);
  });
}
Scp03Challenge challenge(std::uint8_t byte) {
  Scp03Challenge out;
  out.value.fill(byte);
  return out;
}

// A pair of ends after the handshake.
struct Pair {
  Scp03Session host;
  Scp03Session card;
};
Pair open_pair(std::size_t key_size = 16, Scp03Counting counting = Scp03Counting::every_command) {
  const Scp03Keys keys{key(0x40, key_size), key(0x50, key_size), key(0x60, key_size)};
  const auto make = [&] { return Scp03SessionKeys::derive(keys, challenge(1), challenge(2)).value(); };
  Pair pair{Scp03Session(make(), counting), Scp03Session(make(), counting)};
  const auto cryptogram = make().host_cryptogram(challenge(1), challenge(2)).value();
  const auto command = pair.host.authenticate(cryptogram).value();
  EXPECT_TRUE(pair.card.check_authenticate(command, cryptogram));
  return pair;
}

CommandApdu with_data(std::size_t size) {
  return {.ins = 0x03,
          .p1 = 0x0C,
          .p2 = 0x09,
          .data = Bytes(size, 0x77),
          .extended = size > 200,
          .expects = true};
}

TEST(Scp03, BothEndsUnderstandEachOther) {
  for (const auto counting : {Scp03Counting::every_command, Scp03Counting::commands_with_data}) {
    for (const std::size_t key_size : {16U, 32U}) {
      auto pair = open_pair(key_size, counting);
      for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 0U, 0U, 700U}) {
        const auto command = with_data(size);
        const auto wrapped = pair.host.wrap(command).value();
        EXPECT_EQ(wrapped.data.size(), (size == 0 ? 0 : (size / 16 + 1) * 16) + kScp03Mac);
        EXPECT_EQ(pair.card.open(wrapped).value(), command);
        const ResponseApdu answer{Bytes(size / 2, 0x33), 0x9000};
        EXPECT_EQ(pair.host.unwrap(pair.card.seal(answer).value()).value(), answer);
        // A refusal in between keeps both in step.
        ASSERT_TRUE(pair.card.open(pair.host.wrap(command).value()));
        EXPECT_EQ(pair.host.unwrap(pair.card.seal({{}, 0x6985}).value()).value().status, 0x6985);
      }
    }
  }
}

TEST(Scp03, TheSameCommandNeverLooksTheSame) {
  auto pair = open_pair();
  const auto exchange = [&] {
    auto wrapped = pair.host.wrap(with_data(32)).value();
    EXPECT_TRUE(pair.card.open(wrapped));
    EXPECT_TRUE(pair.host.unwrap(pair.card.seal({{}, 0x9000}).value()));
    return wrapped.data;
  };
  const auto first = exchange();
  const auto second = exchange();
  EXPECT_FALSE(std::equal(first.begin(), first.begin() + 48, second.begin()));
}

TEST(Scp03, TheCardRefusesWhatTheHostDidNotSend) {
  const auto refused = [](const std::function<void(CommandApdu&)>& change) {
    auto pair = open_pair();
    auto wrapped = pair.host.wrap(with_data(20)).value();
    change(wrapped);
    const auto opened = pair.card.open(wrapped);
    EXPECT_TRUE(pair.card.broken());
    EXPECT_FALSE(pair.card.open(pair.host.wrap(with_data(20)).value())) << "a broken session stays broken";
    return opened ? Errc::internal : opened.error().code;
  };
  EXPECT_EQ(refused([](auto& c) { c.data[3] ^= 1; }), Errc::invalid);
  EXPECT_EQ(refused([](auto& c) { c.data.back() ^= 1; }), Errc::invalid);
  EXPECT_EQ(refused([](auto& c) { c.p2 ^= 1; }), Errc::invalid);
  EXPECT_EQ(refused([](auto& c) { c.cla = 0x80; }), Errc::invalid);
  EXPECT_EQ(refused([](auto& c) { c.data.resize(7); }), Errc::invalid);
  EXPECT_EQ(refused([](auto& c) { c.data.pop_back(); }), Errc::invalid);
}

TEST(Scp03, TheCardRefusesAReplay) {
  auto pair = open_pair();
  const auto wrapped = pair.host.wrap(with_data(20)).value();
  ASSERT_TRUE(pair.card.open(wrapped));
  EXPECT_EQ(pair.card.open(wrapped).error().code, Errc::invalid);
}

TEST(Scp03, TheHostRefusesWhatTheCardDidNotSend) {
  const auto refused = [](const std::function<void(ResponseApdu&)>& change) {
    auto pair = open_pair();
    EXPECT_TRUE(pair.card.open(pair.host.wrap(with_data(20)).value()));
    auto sealed = pair.card.seal({Bytes(40, 1), 0x9000}).value();
    change(sealed);
    const auto opened = pair.host.unwrap(sealed);
    EXPECT_TRUE(pair.host.broken());
    return opened ? Errc::internal : opened.error().code;
  };
  EXPECT_EQ(refused([](auto& r) { r.data[0] ^= 1; }), Errc::invalid);
  EXPECT_EQ(refused([](auto& r) { r.data.back() ^= 1; }), Errc::invalid);
  EXPECT_EQ(refused([](auto& r) { r.data.pop_back(); }), Errc::invalid);
  EXPECT_EQ(refused([](auto& r) { r.data.resize(8); }), Errc::invalid);
  EXPECT_EQ(refused([](auto& r) { r.data.clear(); }), Errc::invalid) << "a bare 9000 is no success";
  EXPECT_EQ(refused([](auto& r) { r.status = 0x6985; }), Errc::invalid) << "data in an unprotected answer";
}

TEST(Scp03, TheHostRefusesAReplayedAnswer) {
  auto pair = open_pair();
  ASSERT_TRUE(pair.card.open(pair.host.wrap(with_data(20)).value()));
  const auto first = pair.card.seal({Bytes(40, 1), 0x9000}).value();
  ASSERT_TRUE(pair.host.unwrap(first));
  ASSERT_TRUE(pair.card.open(pair.host.wrap(with_data(20)).value()));
  EXPECT_EQ(pair.host.unwrap(first).error().code, Errc::invalid);
}

TEST(Scp03, OtherKeysGiveOtherCryptograms) {
  const Scp03Keys keys{key(0x40), key(0x50), key(0x60)};
  const Scp03Keys others{key(0x40), key(0x51), key(0x60)};
  const auto good = Scp03SessionKeys::derive(keys, challenge(1), challenge(2)).value();
  const auto bad = Scp03SessionKeys::derive(others, challenge(1), challenge(2)).value();
  EXPECT_NE(good.card_cryptogram(challenge(1), challenge(2)).value(),
            bad.card_cryptogram(challenge(1), challenge(2)).value());
  EXPECT_NE(good.card_cryptogram(challenge(1), challenge(2)).value().value,
            good.host_cryptogram(challenge(1), challenge(2)).value().value);
  Scp03Session host(Scp03SessionKeys::derive(others, challenge(1), challenge(2)).value(),
                    Scp03Counting::every_command);
  Scp03Session card(Scp03SessionKeys::derive(keys, challenge(1), challenge(2)).value(),
                    Scp03Counting::every_command);
  const auto command = host.authenticate(bad.host_cryptogram(challenge(1), challenge(2)).value()).value();
  EXPECT_EQ(
      card.check_authenticate(command, good.host_cryptogram(challenge(1), challenge(2)).value()).error().code,
      Errc::invalid);
}

}  // namespace
}  // namespace camvault::keystore_se05x

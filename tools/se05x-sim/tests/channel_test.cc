// The secure channel between host and element: who is let in, and what is believed. SP-4.2.10, SP-4.2.11.
#include "camvault/keystore_se05x/tlv.h"
#include "sim_fixture.h"

namespace camvault::se05x_sim {
namespace {

using Kind = Fault::Kind;
using keystore_se05x::Scp03Keys;

Secret key_of(std::uint8_t byte) {
  return Secret::make(16, [&](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), byte); });
}

class ChannelTest : public SimulatorTest {};

TEST_F(ChannelTest, WrongKeysAreRefusedByBothSides) {
  // The host finds out from the card's cryptogram and sends none of its own.
  auto other_mac = options();
  other_mac.platform_keys->authentication = key_of(0x11);
  Element host(std::move(other_mac));
  EXPECT_EQ(host.connect().error().code, Errc::denied);
  EXPECT_FALSE(contains(bus_, from_hex("848233").value())) << "no EXTERNAL AUTHENTICATE";

  // A wrong encryption key shows at the first command: neither side understands the other.
  auto other_encryption = options();
  other_encryption.platform_keys->encryption = key_of(0x22);
  Element deaf(std::move(other_encryption));
  ASSERT_TRUE(deaf.connect());
  EXPECT_FALSE(deaf.command({.ins = 0x04, .p2 = 0x49, .data = from_hex("41020008").value()}, Repeat::never));

  Element good(options());
  EXPECT_TRUE(good.connect());
}

// The card's side of it: a host that knows no key answers the challenge with something.
TEST_F(ChannelTest, TheCardRefusesAWrongCryptogram) {
  auto bus = connect(simulator_);
  keystore_se05x::T1Link link(*bus, {}, no_wait);
  ASSERT_TRUE(link.open());
  ASSERT_TRUE(link.exchange(from_hex("00a4040010a000000396545300000001030000000000").value()));
  const auto challenge = link.exchange(from_hex("80500b0008000102030405060700").value()).value();
  EXPECT_EQ(challenge.size(), 10 + 3 + 8 + 8 + 2u);
  const auto guess = from_hex("848233001000000000000000000000000000000000").value();
  EXPECT_EQ(to_hex(link.exchange(guess).value()), "6300");
  EXPECT_EQ(to_hex(link.exchange(guess).value()), "6985") << "one try for each challenge";
}

// A truncated, altered or replayed answer is refused by the host, which does not take it for the element's.
TEST_F(ChannelTest, AnswersThatSomebodyTouchedAreRefused) {
  Element element(options());
  Applet applet(element);
  ASSERT_TRUE(applet.generate_ec(kKey, Curve::p256, {}));
  for (const auto kind : {Kind::truncate, Kind::alter, Kind::replay}) {
    ASSERT_TRUE(applet.ec_point(kKey, Curve::p256));
    simulator_->inject({.kind = kind});
    const auto refused = element.command(
        {.ins = 0x02, .data = keystore_se05x::TlvWriter().u32(0x41, kKey).take(), .expects = true},
        Repeat::never);
    ASSERT_FALSE(refused) << static_cast<int>(kind);
    EXPECT_TRUE(refused.error().code == Errc::invalid || refused.error().code == Errc::malformed);
    EXPECT_TRUE(applet.ec_point(kKey, Curve::p256)) << "a new channel, and on it goes";
    // What may be repeated is, through a new channel: the touched answer is never what the caller gets.
    const auto point = applet.ec_point(kKey, Curve::p256).value();
    simulator_->inject({.kind = kind});
    EXPECT_EQ(applet.ec_point(kKey, Curve::p256).value(), point);
  }
}

// Without the channel the same faults would go unnoticed: the tests above test the channel.
TEST_F(ChannelTest, WithoutAChannelAlteredAnswersAreBelieved) {
  Element element(options(false));
  Applet applet(element);
  ASSERT_TRUE(applet.generate_ec(kKey, Curve::p256, {}));
  const auto point = applet.ec_point(kKey, Curve::p256).value();
  simulator_->inject({.kind = Kind::replay, .after = 1});
  ASSERT_EQ(applet.counter(kKey).error().code, Errc::malformed);
  EXPECT_EQ(applet.ec_point(kKey, Curve::p256).value(), point);
}

// The card takes no command twice and none in clear once the channel is up.
TEST_F(ChannelTest, TheCardRefusesReplayedAndPlainCommands) {
  std::vector<Bytes> commands;
  std::shared_ptr<Simulator> simulator = simulator_;
  auto tapped = options();
  tapped.open_bus = [&]() -> Result<std::unique_ptr<keystore_se05x::Bus>> {
    return connect(simulator, [&](keystore_se05x::T1Sender from, BytesView bytes) {
      if (from == keystore_se05x::T1Sender::host) commands.push_back(to_bytes(bytes));
    });
  };
  Element element(std::move(tapped));
  Applet applet(element);
  ASSERT_TRUE(applet.create_counter(kKey, {}));
  ASSERT_EQ(applet.increment(kKey).value(), 1u);
  commands.clear();
  ASSERT_EQ(applet.increment(kKey).value(), 2u);
  auto replayed = keystore_se05x::decode_t1_frame(keystore_se05x::T1Sender::host, commands.front()).value();
  // The same command in a frame with the number that is due.
  const auto send = [&](BytesView command, bool sequence) {
    EXPECT_TRUE(simulator_->write(
        encode_t1_frame(keystore_se05x::T1Sender::host,
                        keystore_se05x::T1Block::make_information(sequence, false, command))));
    const auto answer = simulator_->read(260).value();
    const std::size_t size = 3U + answer[2] + 2U;
    return to_hex(decode_t1_frame(keystore_se05x::T1Sender::element, BytesView(answer).first(size))
                      .value()
                      .information);
  };
  EXPECT_EQ(send(replayed.information, replayed.sequence), "6982");
  EXPECT_EQ(applet.counter(kKey).value(), 2u);
  // In clear, on an open channel.
  commands.clear();
  ASSERT_EQ(applet.counter(kKey).value(), 2u);
  const auto last = keystore_se05x::decode_t1_frame(keystore_se05x::T1Sender::host, commands.front()).value();
  EXPECT_EQ(send(from_hex("8004002000").value(), !last.sequence), "6982");
}

// No secret crosses the bus in clear once the channel is up; without it, all do (so the search finds them).
TEST_F(ChannelTest, NoSecretCrossesTheBusInClear) {
  const Bytes aes = from_hex("a1a2a3a4a5a6a7a8a9aaabacadaeaf00a1a2a3a4a5a6a7a8a9aaabacadaeaf11").value();
  const Bytes psk = from_hex("c1c2c3c4c5c6c7c8c9cacbcccdcecf00").value();
  const Bytes plain = to_bytes(as_bytes("the plaintext that nobody on the bus may read"));
  for (const bool secure : {true, false}) {
    auto fresh = Simulator::create({}).value();
    simulator_ = fresh;
    Element element(options(secure));
    Applet applet(element);
    ASSERT_TRUE(applet.import_symmetric(kKey, true, Secret(aes), {}));
    ASSERT_TRUE(applet.import_symmetric(kOther, false, Secret(psk), {}));
    const auto sealed = applet.seal_gcm(kKey, plain, {}).value();
    ASSERT_TRUE(applet.open_gcm(kKey, sealed.nonce, sealed.data, sealed.tag, {}).value().equals(plain));
    const auto okm = applet.hkdf(kOther, keystore_se05x::DigestAlg::sha256, {}, as_bytes("info"), 32).value();
    ASSERT_TRUE(applet.generate_ec(0x20000003, Curve::p256, {}));
    const auto peer = applet.ec_point(0x20000003, Curve::p256).value();
    const auto shared = applet.agree(0x20000003, Curve::p256, peer).value();
    const auto seen = [&](const Secret& secret) {
      return secret.reveal([&](BytesView bytes) { return contains(bus_, bytes.first(8)); });
    };
    EXPECT_EQ(contains(bus_, BytesView(aes).first(8)), !secure);
    EXPECT_EQ(contains(bus_, BytesView(psk).first(8)), !secure);
    EXPECT_EQ(contains(bus_, BytesView(plain).first(8)), !secure);
    EXPECT_EQ(seen(okm), !secure);
    EXPECT_EQ(seen(shared), !secure);
    // The channel's own keys never cross it at all.
    const auto keys = test_platform_keys();
    for (const auto* key : {&keys.encryption, &keys.authentication, &keys.data}) EXPECT_FALSE(seen(*key));
    bus_.clear();
  }
}

TEST_F(ChannelTest, KeysOfTheChannelAreExchanged) {
  Element element(options());
  const auto fresh = [] { return Scp03Keys{key_of(0x41), key_of(0x42), key_of(0x43)}; };
  ASSERT_TRUE(element.rotate_platform_keys(fresh()));
  EXPECT_TRUE(element.connect());
  for (const std::uint8_t byte : {std::uint8_t{0x41}, std::uint8_t{0x42}, std::uint8_t{0x43}}) {
    EXPECT_FALSE(contains(bus_, Bytes(16, byte)));
  }
  Element with_old(options());
  EXPECT_EQ(with_old.connect().error().code, Errc::denied);
  auto with_new = options();
  with_new.platform_keys = fresh();
  Element again(std::move(with_new));
  EXPECT_TRUE(again.connect());
  EXPECT_TRUE(again.rotate_platform_keys(test_platform_keys()));
  EXPECT_EQ(Element(options(false)).rotate_platform_keys(fresh()).error().code, Errc::usage);
}

class OldApplet : public SimulatorTest {
 protected:
  OldApplet() : SimulatorTest({.applet_major = 3}) {}
};

TEST_F(OldApplet, CountsOnlyCommandsWithData) {
  Element element(options());
  Applet applet(element);
  ASSERT_TRUE(applet.generate_ec(kKey, Curve::p256, {}));
  // Commands without data (the list of curves) in between.
  ASSERT_TRUE(applet.generate_ec(kOther, Curve::p384, {}));
  EXPECT_TRUE(applet.ec_point(kKey, Curve::p256));
  EXPECT_FALSE(element.version().is_7());
}

}  // namespace
}  // namespace camvault::se05x_sim

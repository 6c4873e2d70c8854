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

// A wrong key, a flipped CRC, a replay and a truncation: each of them on the way to the element and on the
// way back.
class BothSidesRefuse : public SimulatorTest {
 protected:
  void SetUp() override {
    auto tapped = options();
    tapped.open_bus = [this]() -> Result<std::unique_ptr<keystore_se05x::Bus>> {
      return connect(simulator_, [this](keystore_se05x::T1Sender from, BytesView bytes) {
        if (from == keystore_se05x::T1Sender::host) sent_ = to_bytes(bytes);
      });
    };
    element_ = std::make_unique<Element>(std::move(tapped));
    ASSERT_TRUE(applet().create_counter(kKey, {}));
    ASSERT_EQ(applet().increment(kKey).value(), 1u);
  }
  Applet& applet() {
    if (!applet_) applet_ = std::make_unique<Applet>(*element_);
    return *applet_;
  }
  // The frame of the last increment, decoded: of the read that follows it, rather.
  keystore_se05x::T1Block last_sent() const {
    return keystore_se05x::decode_t1_frame(keystore_se05x::T1Sender::host, sent_).value();
  }
  // What the element answers to a command in the frame that is due. The host knows nothing of it, and
  // connects anew.
  std::string send(BytesView command) {
    auto block = last_sent();
    element_->disconnect();
    EXPECT_TRUE(simulator_->write(
        encode_t1_frame(keystore_se05x::T1Sender::host,
                        keystore_se05x::T1Block::make_information(!block.sequence, false, command))));
    const auto answer = simulator_->read(260).value();
    const std::size_t size = 3U + answer[2] + 2U;
    return to_hex(decode_t1_frame(keystore_se05x::T1Sender::element, BytesView(answer).first(size))
                      .value()
                      .information);
  }
  Result<Bytes> read_once() {
    return element_->command(
        {.ins = 0x02, .data = keystore_se05x::TlvWriter().u32(0x41, kKey).take(), .expects = true},
        Repeat::never);
  }
  Bytes sent_;
  std::unique_ptr<Element> element_;
  std::unique_ptr<Applet> applet_;
};

TEST_F(BothSidesRefuse, TheElementATruncatedCommand) {
  const auto command = last_sent().information;
  for (const std::size_t missing : {std::size_t{1}, std::size_t{8}, command.size() - 5}) {
    const auto answer = send(BytesView(command).first(command.size() - missing));
    EXPECT_TRUE(answer == "6982" || answer == "6700" || answer == "6e00" || answer == "6d00") << answer;
    EXPECT_EQ(applet().counter(kKey).value(), 1u) << "a new channel";
  }
}
TEST_F(BothSidesRefuse, TheHostATruncatedAnswer) {
  simulator_->inject({.kind = Kind::truncate});
  EXPECT_FALSE(read_once());
  EXPECT_EQ(applet().counter(kKey).value(), 1u);
}
TEST_F(BothSidesRefuse, TheElementAReplayedCommand) {
  EXPECT_EQ(send(last_sent().information), "6982");
  EXPECT_EQ(applet().counter(kKey).value(), 1u);
}
TEST_F(BothSidesRefuse, TheHostAReplayedAnswer) {
  simulator_->inject({.kind = Kind::replay});
  const auto refused = read_once();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
}
TEST_F(BothSidesRefuse, TheElementAFlippedCrc) {
  auto frame = encode_t1_frame(
      keystore_se05x::T1Sender::host,
      keystore_se05x::T1Block::make_information(!last_sent().sequence, false, last_sent().information));
  for (const std::size_t back : {std::size_t{1}, std::size_t{2}}) {
    auto broken = frame;
    broken[broken.size() - back] ^= 0x01;
    ASSERT_TRUE(simulator_->write(broken));
    const auto answer = simulator_->read(260).value();
    const std::size_t size = 3U + answer[2] + 2U;
    const auto block =
        decode_t1_frame(keystore_se05x::T1Sender::element, BytesView(answer).first(size)).value();
    EXPECT_EQ(block.kind, keystore_se05x::T1Block::Kind::receive_ready);
    EXPECT_EQ(block.error, keystore_se05x::T1Error::crc);
  }
  EXPECT_EQ(applet().counter(kKey).value(), 1u);
}
// Once it is asked for again; a bus that breaks every frame is no bus.
TEST_F(BothSidesRefuse, TheHostAFlippedCrc) {
  class Breaking final : public keystore_se05x::Bus {
   public:
    explicit Breaking(std::unique_ptr<Bus> bus) : bus_(std::move(bus)) {}
    Status write(BytesView frame) override { return bus_->write(frame); }
    Status read(std::span<std::uint8_t> out) override {
      CAM_TRY_STATUS(bus_->read(out));
      if (out.size() > 1) out.back() ^= 0x01;  // the CRC's last byte comes with the rest of a frame
      return ok();
    }
    bool is_simulator() const override { return true; }

   private:
    std::unique_ptr<Bus> bus_;
  };
  auto broken = options();
  broken.open_bus = [this]() -> Result<std::unique_ptr<keystore_se05x::Bus>> {
    return std::make_unique<Breaking>(connect(simulator_));
  };
  Element element(std::move(broken));
  const auto connected = element.connect();
  ASSERT_FALSE(connected);
  EXPECT_TRUE(connected.error().code == Errc::invalid || connected.error().code == Errc::malformed ||
              connected.error().code == Errc::unavailable)
      << connected.error().what;
}
TEST_F(BothSidesRefuse, TheHostAWrongKey) {
  auto wrong = options();
  wrong.platform_keys->authentication = key_of(0x31);
  Element element(std::move(wrong));
  EXPECT_EQ(element.connect().error().code, Errc::denied);
}
// TheCardRefusesAWrongCryptogram is the element's side of it; this one has the right challenge and another
// key's MAC.
TEST_F(BothSidesRefuse, TheElementAWrongKey) {
  auto command = last_sent().information;
  command[command.size() - 4] ^= 0x01;  // of the eight bytes before the length that is expected
  EXPECT_EQ(send(command), "6982");
  EXPECT_EQ(applet().counter(kKey).value(), 1u);
}

// Keys and numbers that begin and end with zeros, which one in 256 does by chance.
TEST_F(ChannelTest, ZerosAtTheEndsOfKeysAreKept) {
  for (const bool front : {true, false}) {
    const auto key = [&](std::uint8_t fill) {
      Bytes value(16, fill);
      (front ? value.front() : value.back()) = 0;
      return Secret(value);
    };
    Element element(options());
    ASSERT_TRUE(element.rotate_platform_keys({key(0x51), key(0x52), key(0x53)}));
    auto again = options();
    again.platform_keys = Scp03Keys{key(0x51), key(0x52), key(0x53)};
    Element with_new(std::move(again));
    ASSERT_TRUE(with_new.connect());
    Applet applet(with_new);
    ASSERT_TRUE(applet.import_symmetric(kOther, true, key(0x61), {}, true));
    ASSERT_TRUE(applet.import_user_id(kKey, Secret(front ? Bytes{0, 0, 1, 2} : Bytes{1, 2, 0, 0}), 3, {}));
    with_new.disconnect();
    for (const bool aes : {true, false}) {
      auto logged_in = options();
      logged_in.platform_keys = Scp03Keys{key(0x51), key(0x52), key(0x53)};
      if (aes) {
        logged_in.login = keystore_se05x::AesLogin{kOther, key(0x61)};
      } else {
        logged_in.login =
            keystore_se05x::UserIdLogin{kKey, Secret(front ? Bytes{0, 0, 1, 2} : Bytes{1, 2, 0, 0})};
      }
      Element user(std::move(logged_in));
      const auto connected = user.connect();
      EXPECT_TRUE(connected) << front << aes << ": " << connected.error().what;
    }
    simulator_ = Simulator::create({}).value();
  }
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

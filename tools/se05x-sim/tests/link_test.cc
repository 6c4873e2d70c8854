// What the wire breaks, and what both ends do about it.
#include "camvault/keystore_se05x/t1_link.h"

#include "sim_fixture.h"

namespace camvault::se05x_sim {
namespace {

using keystore_se05x::T1Link;
using Kind = Fault::Kind;

class LinkTest : public SimulatorTest {
 protected:
  // A counter in the element tells how often a command ran.
  void SetUp() override {
    ASSERT_TRUE(applet_.create_counter(kKey, {}));
    ASSERT_EQ(applet_.counter(kKey).value(), 0u);
  }
  std::uint64_t count() { return applet_.counter(kKey).value(); }

  Element element_{options(false)};
  Applet applet_{element_};
};

// UM11225 3.1.5: the host asks for the block again and the element sends it again; the command runs once.
TEST_F(LinkTest, ACommandRunsOnceWhateverTheWireDoesToItsAnswer) {
  std::uint64_t expected = 0;
  for (const auto kind : {Kind::flip_crc, Kind::drop}) {
    simulator_->inject({.kind = kind});
    EXPECT_EQ(applet_.increment(kKey).value(), ++expected) << static_cast<int>(kind);
  }
  element_.disconnect();
  auto patient = options(false);
  patient.wait = keystore_se05x::sleep_for;
  Element slow(std::move(patient));
  Applet applet(slow);
  simulator_->inject({.kind = Kind::delay, .after = 2, .amount = 50});
  EXPECT_EQ(applet.increment(kKey).value(), ++expected);
  slow.disconnect();
  EXPECT_EQ(count(), expected);
}

TEST_F(LinkTest, AsksForMoreTimeAreGranted) {
  simulator_->inject({.kind = Kind::more_time, .amount = 100});
  EXPECT_EQ(applet_.increment(kKey).value(), 1u);
  // ... but not for ever.
  simulator_->inject({.kind = Kind::more_time, .amount = T1Link::kMaxMoreTime + 10});
  EXPECT_EQ(applet_.element()
                .command({.ins = 0x04, .p2 = 0x49, .data = from_hex("41020008").value()}, Repeat::never)
                .error()
                .code,
            Errc::unavailable);
  EXPECT_EQ(count(), 1u) << "and the next command starts anew";
}

TEST_F(LinkTest, SurvivesAResetBetweenTwoCommands) {
  simulator_->power_cycle();
  EXPECT_EQ(count(), 0u);
  simulator_->inject({.kind = Kind::reset});
  EXPECT_EQ(count(), 0u) << "the read is sent again";
}

class ShortFrames : public SimulatorTest {
 protected:
  ShortFrames() : SimulatorTest({.chunk = 32}) {}
};

TEST_F(ShortFrames, LongAnswersAndCommandsAreChained) {
  Element element(options());
  Applet applet(element);
  Bytes content(3000);
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 7);
  ASSERT_TRUE(applet.write_file(kKey, content, {}));
  EXPECT_EQ(applet.read_file(kKey, content.size()).value(), content);
  simulator_->inject({.kind = Kind::flip_crc});
  EXPECT_EQ(applet.read_file(kKey, content.size()).value(), content);
}

// The element's end alone: frames by hand.
class FramesTest : public SimulatorTest {
 protected:
  static Bytes from_host(const keystore_se05x::T1Block& block) {
    return encode_t1_frame(keystore_se05x::T1Sender::host, block);
  }
  keystore_se05x::T1Block ask(BytesView frame) {
    EXPECT_TRUE(simulator_->write(frame));
    const auto answer = simulator_->read(keystore_se05x::kT1FilledRead);
    if (!answer) return {};
    const std::size_t size = 3U + (*answer)[2] + 2U;
    return decode_t1_frame(keystore_se05x::T1Sender::element, BytesView(*answer).first(size)).value();
  }
};

using keystore_se05x::T1Block;
using keystore_se05x::T1Error;
using keystore_se05x::T1Supervisory;

TEST_F(FramesTest, TheElementRefusesWhatIsBroken) {
  auto frame = from_host(T1Block::make_information(false, false, from_hex("00a4040000").value()));
  frame.back() ^= 1;
  EXPECT_EQ(ask(frame), T1Block::make_ready(false, T1Error::crc));
  EXPECT_EQ(ask(from_hex("5a0002").value()), T1Block::make_ready(false, T1Error::other));
  EXPECT_EQ(ask({}), T1Block::make_ready(false, T1Error::other));
  EXPECT_EQ(ask(Bytes(1000, 0x5A)), T1Block::make_ready(false, T1Error::other));
}

TEST_F(FramesTest, ABlockThatComesTwiceIsAnsweredTwiceAndRunOnce) {
  const auto select = from_host(T1Block::make_information(
      false, false, from_hex("00a4040010a000000396545300000001030000000000").value()));
  const auto first = ask(select);
  EXPECT_EQ(to_hex(first.information).substr(0, 6), "070200");
  EXPECT_EQ(ask(select), first);
  const auto random =
      from_host(T1Block::make_information(true, false, from_hex("800400490441020008").value()));
  const auto numbers = ask(random);
  EXPECT_EQ(ask(random), numbers) << "another run would give other numbers";
  EXPECT_EQ(ask(from_host(T1Block::make_ready(true, T1Error::crc))), numbers);
}

TEST_F(FramesTest, ReadsComeInPieces) {
  ASSERT_TRUE(simulator_->write(from_host(T1Block::make_request(T1Supervisory::resynch))));
  EXPECT_EQ(to_hex(simulator_->read(2).value()), "a5e0");
  EXPECT_EQ(to_hex(simulator_->read(1).value()), "00");
  EXPECT_EQ(simulator_->read(2).value().size(), 2u);
  EXPECT_FALSE(simulator_->read(2)) << "there is nothing more to say";
  const auto reset = ask(from_host(T1Block::make_request(T1Supervisory::answer_to_reset)));
  EXPECT_TRUE(contains(reset.information, as_bytes("SIMULATION")));
}

TEST_F(FramesTest, EndlessChainsEnd) {
  bool sequence = false;
  T1Block last;
  for (int i = 0; i < 40; ++i) {
    last = ask(from_host(T1Block::make_information(sequence, true, Bytes(254, 0))));
    if (last.error != T1Error::none) break;
    sequence = !sequence;
  }
  EXPECT_EQ(last.error, T1Error::other);
}

}  // namespace
}  // namespace camvault::se05x_sim

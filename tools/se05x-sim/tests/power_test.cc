// A cut of power in the middle of a command, a vanished element, and what the simulator keeps.
#include <sys/stat.h>

#include "camvault/base/file.h"
#include "camvault/test_support/temporary_folder.h"
#include "sim_fixture.h"

namespace camvault::se05x_sim {
namespace {

using Kind = Fault::Kind;

class PowerTest : public SimulatorTest {
 protected:
  Element element_{options()};
  Applet applet_{element_};
};

// Whenever the power goes while a key is made, the object is not there afterwards: nobody knows its number.
TEST_F(PowerTest, AKeyThatWasNotReportedIsTakenAway) {
  ASSERT_TRUE(applet_.list());
  for (const auto kind : {Kind::power_cut_before, Kind::power_cut_after}) {
    for (unsigned when = 0; when < 4; ++when) {
      simulator_->inject({.kind = kind, .after = when});
      const auto made = applet_.generate_ec(kKey, Curve::p256, {});
      if (made) {
        // The cut came in a command that could be repeated.
        EXPECT_TRUE(applet_.ec_point(kKey, Curve::p256));
        EXPECT_TRUE(applet_.remove(kKey));
      } else {
        EXPECT_TRUE(made.error().code == Errc::unavailable) << made.error().what;
      }
      EXPECT_FALSE(applet_.exists(kKey).value()) << when;
    }
  }
}

TEST_F(PowerTest, NoHalfFilesAndNoHalfKeys) {
  const Bytes content(3000, 0x77);
  for (const auto kind : {Kind::power_cut_before, Kind::power_cut_after}) {
    for (unsigned when = 0; when < 10; ++when) {
      simulator_->inject({.kind = kind, .after = when});
      if (applet_.write_file(kKey, content, {})) {
        EXPECT_EQ(applet_.read_file(kKey, content.size()).value(), content);
        EXPECT_TRUE(applet_.remove(kKey));
      }
      EXPECT_FALSE(applet_.exists(kKey).value());
    }
  }
}

TEST_F(PowerTest, CountersNeverGoBack) {
  ASSERT_TRUE(applet_.create_counter(kKey, {}));
  std::uint64_t last = 0;
  for (unsigned i = 0; i < 20; ++i) {
    simulator_->inject({.kind = i % 2 == 0 ? Kind::power_cut_after : Kind::power_cut_before, .after = i % 3});
    if (const auto value = applet_.increment(kKey)) {
      EXPECT_GT(*value, last);
      last = *value;
    }
    EXPECT_GE(applet_.counter(kKey).value(), last);
  }
  EXPECT_GE(last, 15u);
}

TEST_F(PowerTest, AnElementThatVanishesIsUnavailableUntilItComesBack) {
  ASSERT_TRUE(applet_.generate_ec(kKey, Curve::p256, {}));
  element_.disconnect();
  unplugged_ = true;
  EXPECT_EQ(applet_.ec_point(kKey, Curve::p256).error().code, Errc::unavailable);
  EXPECT_EQ(applet_.ec_point(kKey, Curve::p256).error().code, Errc::unavailable);
  unplugged_ = false;
  EXPECT_TRUE(applet_.ec_point(kKey, Curve::p256));
}

class StateTest : public testing::Test {
 protected:
  std::shared_ptr<Simulator> start() { return Simulator::create({.state = folder_ / "state"}).value(); }
  Element host(const std::shared_ptr<Simulator>& simulator) {
    return Element(
        {.open_bus = [=]() -> Result<std::unique_ptr<keystore_se05x::Bus>> { return connect(simulator); },
         .platform_keys = test_platform_keys(),
         .random = [this](std::span<std::uint8_t> room) { engine_->random(room); },
         .wait = no_wait});
  }
  test_support::TemporaryFolder folder_;
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
};

TEST_F(StateTest, OutlivesTheProgram) {
  Bytes point;
  Bytes unique_id;
  {
    const auto simulator = start();
    auto element = host(simulator);
    Applet applet(element);
    ASSERT_TRUE(applet.generate_ec(kKey, Curve::p384, {{0, may::kRead | may::kSign}}));
    point = applet.ec_point(kKey, Curve::p384).value();
    unique_id = applet.unique_id().value();
  }
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "state").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const auto simulator = start();
  auto element = host(simulator);
  Applet applet(element);
  EXPECT_EQ(applet.ec_point(kKey, Curve::p384).value(), point);
  EXPECT_EQ(applet.unique_id().value(), unique_id);
  EXPECT_EQ(applet.remove(kKey).error().code, Errc::denied) << "the policy is still there";
}

TEST_F(StateTest, OtherFilesAreRefused) {
  { ASSERT_TRUE(start()); }
  const auto good = folder_.read("state");
  for (std::size_t size = 0; size < good.size(); size += 7) {
    folder_.write("state", good.substr(0, size));
    const auto opened = Simulator::create({.state = folder_ / "state"});
    // A file that ends between two objects is a state with fewer of them.
    if (!opened) {
      EXPECT_EQ(opened.error().code, Errc::malformed) << size;
    }
  }
  folder_.write("state", "something else");
  EXPECT_EQ(Simulator::create({.state = folder_ / "state"}).error().code, Errc::malformed);
}

TEST(Fault, IsReadFromText) {
  const auto fault = fault_from_string("more-time:5@3").value();
  EXPECT_EQ(fault.kind, Kind::more_time);
  EXPECT_EQ(fault.amount, 5u);
  EXPECT_EQ(fault.after, 3u);
  EXPECT_EQ(fault_from_string("drop").value().kind, Kind::drop);
  for (const auto text : {"", "dropp", "drop@", "drop:x", "drop@-1"})
    EXPECT_FALSE(fault_from_string(text)) << text;
}

}  // namespace
}  // namespace camvault::se05x_sim

#include "camvault/keystore_se05x/bus.h"

#include <gtest/gtest.h>

#include "camvault/test_support/temporary_folder.h"

namespace camvault::keystore_se05x {
namespace {

Errc error_of(std::string_view address) {
  const auto bus = open_bus(address);
  return bus ? Errc::internal : bus.error().code;
}

TEST(Bus, AddressesOfOtherFormsAreRefused) {
  EXPECT_EQ(error_of(""), Errc::usage);
  EXPECT_EQ(error_of("i2c-1"), Errc::usage);
  EXPECT_EQ(error_of("/etc/passwd"), Errc::usage);
  EXPECT_EQ(error_of("/dev/i2c-1:0x05"), Errc::usage);
  EXPECT_EQ(error_of("/dev/i2c-1:0x78"), Errc::usage);
  EXPECT_EQ(error_of("/dev/i2c-1:48h"), Errc::usage);
  EXPECT_EQ(error_of("sim:"), Errc::usage);
  EXPECT_EQ(error_of("sim:udp:1"), Errc::usage);
  EXPECT_EQ(error_of("sim:tcp:x"), Errc::usage);
  EXPECT_EQ(error_of("sim:unix:"), Errc::usage);
}

TEST(Bus, SaysWhenNothingIsThere) {
  const test_support::TemporaryFolder folder;
  EXPECT_EQ(error_of("/dev/i2c-250"), Errc::not_found);
  EXPECT_EQ(error_of("/dev/null"), Errc::unsupported) << "no I2C adapter";
  EXPECT_EQ(error_of("sim:unix:" + (folder / "none").string()), Errc::unavailable);
  EXPECT_EQ(error_of("sim:pty:" + (folder / "none").string()), Errc::unavailable);
}

}  // namespace
}  // namespace camvault::keystore_se05x

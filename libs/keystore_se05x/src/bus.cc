#include "camvault/keystore_se05x/bus.h"

#include <charconv>

#include "bus_i2c.h"
#include "bus_simulator.h"

namespace camvault::keystore_se05x {

namespace {
constexpr unsigned kOwnAddress = 0x48;   // UM11225, 2.1
constexpr unsigned kLastAddress = 0x77;  // the I2C bus specification, 3.1.12
constexpr std::string_view kSimulator = "sim:";
constexpr std::string_view kDevices = "/dev/";
}  // namespace

Result<std::unique_ptr<Bus>> open_bus(std::string_view address) {
  if (address.starts_with(kSimulator)) return open_simulator_bus(address.substr(kSimulator.size()));
  if (!address.starts_with(kDevices)) return fail(Errc::usage, "neither an I2C device nor a simulator");
  const auto colon = address.find(':');
  if (colon == std::string_view::npos) return open_i2c_bus(address, kOwnAddress);
  auto text = address.substr(colon + 1);
  if (text.starts_with("0x")) text.remove_prefix(2);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc{} || end != text.data() + text.size() || number < 8 || number > kLastAddress)
    return fail(Errc::usage, "no I2C address (0x08 to 0x77)");
  return open_i2c_bus(address.substr(0, colon), number);
}

}  // namespace camvault::keystore_se05x

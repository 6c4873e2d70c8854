// Transactions on the wire between host and element: an I2C adapter of Linux, or the simulator's socket or
// pty.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "camvault/base/bytes.h"

namespace camvault::keystore_se05x {

// Confined to one thread.
class Bus {
 public:
  virtual ~Bus() = default;
  // One write transaction. Errc::unavailable: the element does not acknowledge its address, now; Errc::io:
  // the bus itself failed.
  virtual Status write(BytesView frame) = 0;
  // One read transaction of exactly that many bytes; errors as above.
  virtual Status read(std::span<std::uint8_t> out) = 0;
  virtual bool is_simulator() const = 0;
};

// "/dev/i2c-1", "/dev/i2c-1:0x48" (address in hex; 0x48 is the element's own), or of the simulator
// "sim:unix:PATH", "sim:tcp:PORT" (127.0.0.1), "sim:pty:PATH". Errc::usage for anything else; Errc::not_found
// if there is no such device; Errc::unavailable if nobody listens.
Result<std::unique_ptr<Bus>> open_bus(std::string_view address);

// The simulator's socket carries records: a letter, two bytes of count. 'W' and the bytes of a write, 'R' and
// the number of bytes wanted. The answer is one byte, 0 for acknowledged, and for 'R' as many bytes as were
// wanted.
inline constexpr std::uint8_t kBusWrite = 'W';
inline constexpr std::uint8_t kBusRead = 'R';
inline constexpr std::uint8_t kBusAcknowledged = 0;
inline constexpr std::uint8_t kBusRefused = 1;
inline constexpr std::size_t kBusMaxTransfer = 1024;

}  // namespace camvault::keystore_se05x

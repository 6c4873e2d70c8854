// Bytes both ways, and every wait has an end.
#pragma once

#include <chrono>
#include <span>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"

namespace camvault::net {

using Deadline = std::chrono::steady_clock::time_point;
inline Deadline within(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

// Thread-confined. Errc::unavailable: cut off, or not within the time.
class Stream {
 public:
  virtual ~Stream() = default;
  // At least one byte, as soon as there is one; 0: the other side has ended in order.
  virtual Result<std::size_t> read(std::span<std::uint8_t> into, Deadline deadline) = 0;
  virtual Status write(BytesView bytes, Deadline deadline) = 0;
};

}  // namespace camvault::net

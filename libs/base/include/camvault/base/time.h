// Instants in 100 ns steps since 1970 UTC (the step of ONVIF Media Signing), ISO 8601 text, injected clocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "camvault/base/result.h"

namespace camvault {

using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;
// Reaches from the year -27258 to 31197: every 64-bit time in a stream has a value here or is refused.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, Ticks>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
};

// The machine's clock. Only composition code (daemons, tools) creates one.
class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
};

// "2026-11-21T10:00:00.040Z"; as many decimals as needed, 0 to 7. Years outside 0..9999 are written with a
// sign.
std::string to_iso8601(Timestamp time);
// Accepts "2026-11-21", "2026-11-21T10:00:00Z" and with decimals. Always UTC; other zones are refused.
Result<Timestamp> from_iso8601(std::string_view text);

Timestamp from_unix_seconds(std::int64_t seconds);
std::int64_t to_unix_seconds(Timestamp time);  // rounds towards the past

}  // namespace camvault

// A simulator of an NXP SE05x secure element: the frames, the channel and the commands of the real thing,
// made of ordinary software. It protects nothing; it is there to build and test hosts with.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "camvault/keystore_se05x/bus.h"
#include "camvault/keystore_se05x/scp03.h"
#include "camvault/keystore_se05x/t1_frame.h"

namespace camvault::se05x_sim {

struct SimulatorOptions {
  std::filesystem::path state = {};  // one file, mode 0600; empty: nothing is kept
  unsigned applet_major = 7;  // 7.2, or 3.1 with its other ways of counting, attesting and naming types
  std::size_t chunk = 254;    // bytes of an answer in one frame
  // The channel's keys of a new simulator, 16 or 32 bytes each. Without them: test_platform_keys().
  std::optional<keystore_se05x::Scp03Keys> platform_keys = std::nullopt;
};

// Three keys that are in this file for everybody to read.
keystore_se05x::Scp03Keys test_platform_keys();

// Something that goes wrong while the `after`-th next command is answered (0: the next one).
struct Fault {
  enum class Kind : std::uint8_t {
    flip_crc,          // the answer's frame has a wrong CRC, once
    drop,              // the answer's frame is never seen
    more_time,         // `amount` requests for more time come first
    delay,             // nothing is acknowledged for `amount` milliseconds
    truncate,          // the answer lacks a byte, the frame is right
    alter,             // a bit of the answer is another one, the frame is right
    replay,            // the answer before this one comes again
    reset,             // the element starts anew instead of answering
    power_cut_before,  // the same: the command has no effect
    power_cut_after,   // the command has its effect, the answer is lost with the power
  };
  Kind kind = Kind::drop;
  unsigned after = 0;
  unsigned amount = 1;
};
// "flip-crc", "more-time:5", "drop@3": kind, amount, commands before it.
Result<Fault> fault_from_string(std::string_view text);

// Thread-safe.
class Simulator {
 public:
  static Result<std::shared_ptr<Simulator>> create(SimulatorOptions options);
  ~Simulator();

  // Transactions on the bus. False, nothing: not acknowledged.
  bool write(BytesView frame);
  std::optional<Bytes> read(std::size_t count);

  void inject(const Fault& fault);
  void power_cycle();

 private:
  struct Inside;
  explicit Simulator(std::unique_ptr<Inside> inside);
  std::mutex mutex_;
  std::unique_ptr<Inside> inside_;
};

// The simulator as a bus within one process. `tap`, if given, sees all bytes in both directions.
using BusTap = std::function<void(keystore_se05x::T1Sender from, BytesView bytes)>;
std::unique_ptr<keystore_se05x::Bus> connect(std::shared_ptr<Simulator> simulator, BusTap tap = nullptr);

}  // namespace camvault::se05x_sim

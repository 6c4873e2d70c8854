// Time stamps at an interval, beside a camera that never waits for them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "camvault/authority_client/time_stamp_client.h"
#include "camvault/base/time.h"

namespace camvault::authority_client {

struct TimeStamperOptions {
  TimeStampAuthority authority;
  Ticks interval = std::chrono::seconds(60);  // of recorded time between two stamps; 0: every signature
  // After a failure the authority is left alone for so long, then twice as long, up to the longest.
  std::chrono::milliseconds first_pause{1000};
  std::chrono::milliseconds longest_pause{60'000};
  // For files, where no live picture is held up: `offer` waits so long for room instead of dropping at once.
  // After a wait in vain it does not wait again before the authority has answered.
  std::chrono::milliseconds room_patience{0};
};

// What was stamped, and the token for it.
struct Stamped {
  crypto::Digest digest;  // SHA-256 of the signature
  TimeStampToken token;
};

// One thread of its own asks the authority. The authority may be away for as long as it likes: signatures
// that wait are few, the oldest gives way to the newest (a stamp on a later signature bounds all that it
// links to), and the next stamp after it is back says so of everything before.
class TimeStamper {
 public:
  static constexpr std::size_t kMaxWaiting = 4;

  // Called on the stamper's thread, never after `stop` returned.
  using Sink = std::function<void(const Stamped&)>;

  // `engine` must outlive it. Errc::usage for a URL or policy that makes no sense.
  static Result<std::unique_ptr<TimeStamper>> create(const crypto::Engine& engine, TimeStamperOptions options,
                                                     Sink sink);
  ~TimeStamper();
  TimeStamper(const TimeStamper&) = delete;
  TimeStamper& operator=(const TimeStamper&) = delete;

  // A signature as it went into the stream, and the recorded time it speaks about. Takes the first one, and
  // then one every interval; returns at once (but see room_patience). Callable from any thread.
  void offer(BytesView signature, Timestamp recorded);

  // Waits until nothing waits any more, at most so long. False: something still does.
  bool drain(std::chrono::milliseconds patience);
  // Ends the thread: after the question under way, which takes its timeout at the most.
  void stop();

  struct Counters {
    std::uint64_t offered = 0;  // signatures that were due
    std::uint64_t stamped = 0;  // tokens that came and are good
    std::uint64_t failed = 0;   // questions without an answer that could be used
    std::uint64_t rejected =
        0;  // of these: answers that must not be used (wrong nonce, imprint, authority, ...)
    std::uint64_t dropped = 0;  // signatures that gave way to newer ones
    std::size_t waiting = 0;
    std::string last_error;  // of the last question; empty if it was answered
  };
  Counters counters() const;

 private:
  class Impl;
  explicit TimeStamper(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace camvault::authority_client

// The host's end of T=1 over I2C: sends a command, polls for the answer, and mends what the wire breaks. A
// command runs at most once: what is sent again carries the number it had.
#pragma once

#include <chrono>
#include <functional>

#include "camvault/keystore_se05x/bus.h"
#include "camvault/keystore_se05x/t1_frame.h"

namespace camvault::keystore_se05x {

struct LinkTimes {
  std::chrono::milliseconds poll{1};         // between two looks for an answer, at first; grows to 8
  std::chrono::milliseconds answer{1000};    // UM11225: block waiting time; then the block is asked for again
  std::chrono::milliseconds total{120'000};  // with all requests for more time: making an RSA-4096 key
};

// Waits; tests put their own clock here.
using Wait = std::function<void(std::chrono::milliseconds)>;
void sleep_for(std::chrono::milliseconds time);

// Confined to one thread. The bus must live as long.
class T1Link {
 public:
  static constexpr unsigned kMaxRepeats = 3;     // of one block, each way
  static constexpr unsigned kMaxMoreTime = 500;  // requests for more time in one answer
  static constexpr std::size_t kMaxAnswer = 4096;

  explicit T1Link(Bus& bus, LinkTimes times = {}, Wait wait = sleep_for);

  // Starts sequence numbers anew and reads the answer to reset. Errc::unavailable: nobody there.
  Status open();
  // The element forgets channels and sessions, and starts as after power on.
  Status reset_element();
  // One command, one answer. After an error the state of the element is unknown: open() again.
  Result<Bytes> exchange(BytesView command);
  // The element may sleep. Errors are of no interest to those who leave.
  Status close();

  BytesView answer_to_reset() const { return answer_to_reset_; }

 private:
  Status send(const T1Block& block);
  Result<Bytes> read_frame();
  Result<T1Block> receive();
  Result<T1Block> request(T1Supervisory what, BytesView information = {});
  // Sends, and answers all that is not an answer until there is one.
  Result<T1Block> converse(const T1Block& block);
  Status send_command(BytesView command, T1Block& first);
  Status pause(std::chrono::milliseconds& spent, std::chrono::milliseconds limit);

  Bus& bus_;
  LinkTimes times_;
  Wait wait_;
  Bytes answer_to_reset_;
  bool next_ = false;      // number of our next block
  bool expected_ = false;  // number of the element's next block
  std::chrono::milliseconds step_{0};
};

}  // namespace camvault::keystore_se05x

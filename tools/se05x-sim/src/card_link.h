// The element's end of the link: frames as bus transactions, sequence numbers, chaining, and the faults that
// tests ask for.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>

#include "camvault/keystore_se05x/t1_frame.h"
#include "camvault/se05x_sim/simulator.h"

namespace camvault::se05x_sim {

class CardLink {
 public:
  struct Upper {
    std::function<Bytes(BytesView)> process;
    std::function<void()> power_cycle;
    std::function<void()> deselect;
  };
  CardLink(Upper upper, std::size_t chunk);

  // One write on the bus. False: the address is not acknowledged.
  bool write(BytesView frame);
  // One read. Nothing: not acknowledged, there is nothing to say.
  std::optional<Bytes> read(std::size_t count);

  void inject(const Fault& fault) { faults_.push_back(fault); }

 private:
  void on_information(const keystore_se05x::T1Block& block);
  void on_ready(const keystore_se05x::T1Block& block);
  void on_request(const keystore_se05x::T1Block& block);
  void run_command();
  Bytes with_faults(Bytes answer, const Fault& fault);
  std::optional<Fault> due_fault();
  void send_next_chunk();
  void send(const keystore_se05x::T1Block& block);
  void restart();  // sequence numbers and what was on the way

  Upper upper_;
  std::size_t chunk_;
  std::deque<Fault> faults_;

  bool expected_ = false;  // number of the host's next block
  bool own_ = false;       // number of our next block
  bool sent_any_ = false;  // since the restart
  Bytes command_;          // collected so far
  Bytes answer_;           // to be sent
  std::size_t sent_ = 0;   // of the answer
  Bytes last_block_;       // for sending it again
  Bytes last_answer_;      // for the fault that replays it
  unsigned waiting_ = 0;   // requests for more time before the answer
  bool flip_crc_ = false;
  bool drop_ = false;
  std::chrono::steady_clock::time_point silent_until_{};

  Bytes pending_;
  std::size_t read_ = 0;
};

}  // namespace camvault::se05x_sim

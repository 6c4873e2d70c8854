// One client: what came in, what goes out, and since when. No decisions, no threads: the server's loop owns
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "camvault/base/file.h"
#include "camvault/ipc/frame.h"
#include "camvault/keystore_engine/access_rules.h"
#include "camvault/keystore_tls/vault.h"
#include "config.h"

namespace camvault::keystored {

using SteadyTime = std::chrono::steady_clock::time_point;

class ClientConnection {
 public:
  ClientConnection(UniqueFd fd, const keystore_engine::Caller& peer, SteadyTime now)
      : who(peer), fd_(std::move(fd)), last_use_(now), frame_since_(now) {}

  enum class Io { open, ended };

  Io read_in(SteadyTime now);  // what is there; one recv
  Result<std::optional<BytesView>> next_frame() { return frames_.next(); }
  void frames_taken(SteadyTime now);                   // after the last next_frame() of a turn
  void send_frame(BytesView payload, SteadyTime now);  // queues and overwrites nothing
  Io write_out(SteadyTime now);                        // what the client takes now

  bool has_output() const { return out_done_ < out_.size(); }
  bool may_read() const;  // false: answers wait, or too many requests are open
  // The reason to end the connection, or null.
  const char* overdue(SteadyTime now, const Limits& limits) const;

  int descriptor() const { return fd_.get(); }

  const keystore_engine::Caller who;
  bool greeted = false;         // the hello is done
  bool closing = false;         // ends when the output is gone
  bool more_frames = false;     // whole frames may wait in the buffer
  std::size_t outstanding = 0;  // requests with a worker
  std::uint32_t events = 0;     // registered with epoll
  // Secrets of its TLS handshakes; made when it asks for the first. Workers keep it as long as they need it.
  std::shared_ptr<keystore_tls::Vault> vault;

 private:
  static constexpr std::size_t kMaxOutput =
      256 * 1024;  // answers that a client has not taken: then it is not heard further

  UniqueFd fd_;
  ipc::FrameReader frames_;
  Bytes out_;
  std::size_t out_done_ = 0;
  SteadyTime last_use_;
  std::optional<SteadyTime> frame_since_;  // a frame (at first: the hello) is incomplete since then
  std::optional<SteadyTime> write_since_;  // the client takes nothing since then
};

}  // namespace camvault::keystored

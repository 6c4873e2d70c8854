#include "client_connection.h"

#include <sys/socket.h>

#include <cerrno>

#include "camvault/base/secret.h"

namespace camvault::keystored {

ClientConnection::Io ClientConnection::read_in(SteadyTime now) {
  const auto room = frames_.room();
  if (room.empty()) return Io::open;  // a whole frame waits
  const auto n = ::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return Io::open;
  if (n <= 0) return Io::ended;
  frames_.filled(static_cast<std::size_t>(n));
  last_use_ = now;
  return Io::open;
}

void ClientConnection::frames_taken(SteadyTime now) {
  if (!greeted) return;  // the hello's time runs from the beginning
  if (more_frames || !frames_.in_frame()) {
    frame_since_.reset();
  } else if (!frame_since_) {
    frame_since_ = now;
  }
}

void ClientConnection::send_frame(BytesView payload, SteadyTime now) {
  // A payload is 1 byte to kMaxFrame: encode_response's results are far below.
  if (!ipc::append_frame(out_, payload)) closing = true;
  if (!write_since_) write_since_ = now;
}

ClientConnection::Io ClientConnection::write_out(SteadyTime now) {
  while (has_output()) {
    const auto n =
        ::send(fd_.get(), out_.data() + out_done_, out_.size() - out_done_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      // A client that always leaves a little must not make the buffer grow for ever.
      if (out_done_ > kMaxOutput) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_done_));
        out_done_ = 0;
      }
      return Io::open;
    }
    if (n <= 0) return Io::ended;
    out_done_ += static_cast<std::size_t>(n);
    write_since_ = now;
    last_use_ = now;
  }
  wipe(out_.data(), out_.size());  // it may have been a plaintext
  out_.clear();
  out_done_ = 0;
  write_since_.reset();
  return closing ? Io::ended : Io::open;
}

bool ClientConnection::may_read() const {
  return !closing && outstanding < ipc::kMaxOutstanding && out_.size() - out_done_ < kMaxOutput;
}

const char* ClientConnection::overdue(SteadyTime now, const Limits& limits) const {
  if (write_since_ && now - *write_since_ > limits.write_time) return "it does not take its answers";
  if (frame_since_ && now - *frame_since_ > limits.frame_time && may_read()) {
    return greeted ? "a frame took too long" : "it did not say hello in time";
  }
  if (outstanding == 0 && now - last_use_ > limits.idle_time) return "it was idle";
  return nullptr;
}

}  // namespace camvault::keystored

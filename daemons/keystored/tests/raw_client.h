// A client without manners: sends any bytes, and looks at what comes back.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "camvault/codec/cbor.h"
#include "camvault/ipc/frame.h"
#include "camvault/ipc/response.h"
#include "test_daemon.h"

namespace camvault::keystored {

class RawClient {
 public:
  explicit RawClient(const TestDaemon& daemon) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, daemon.socket().c_str(), daemon.socket().native().size());
    connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  bool connected() const { return connected_; }
  int descriptor() const { return fd_.get(); }

  bool send(BytesView bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  bool send_frame(BytesView payload) {
    Bytes frame;
    return ipc::append_frame(frame, payload) && send(frame);
  }
  bool send_request(const ipc::Request& request) { return send_frame(ipc::encode_request(request).value()); }

  // Nothing: closed, or silent for the time.
  std::optional<Bytes> receive(std::chrono::milliseconds time = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + time;
    for (;;) {
      if (const auto frame = frames_.next(); frame && *frame) return to_bytes(**frame);
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      pollfd poll{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      if (left.count() <= 0 || ::poll(&poll, 1, static_cast<int>(left.count())) != 1) return std::nullopt;
      const auto room = frames_.room();
      const auto n = ::recv(fd_.get(), room.data(), room.size(), 0);
      if (n <= 0) return std::nullopt;
      frames_.filled(static_cast<std::size_t>(n));
    }
  }

  std::optional<ipc::HelloReply> greet() {
    if (!send_frame(ipc::encode_hello({}).value())) return std::nullopt;
    return hello_reply();
  }
  std::optional<ipc::HelloReply> hello_reply() {
    const auto frame = receive();
    if (!frame) return std::nullopt;
    const auto reply = ipc::decode_hello_reply(*frame);
    if (!reply) return std::nullopt;
    return *reply;
  }
  std::optional<keystore::ServiceError> error_of(keystore::Operation operation) {
    const auto frame = receive();
    if (!frame) return std::nullopt;
    const auto response = ipc::decode_response(operation, *frame);
    return response ? response->error : std::nullopt;
  }

  // True if the service closes the connection within the time; what it says before is thrown away.
  bool is_closed_within(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      pollfd poll{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      if (left.count() <= 0 || ::poll(&poll, 1, static_cast<int>(left.count())) != 1) return false;
      std::uint8_t bytes[4096];
      if (::recv(fd_.get(), bytes, sizeof bytes, 0) <= 0) return true;
    }
  }

 private:
  UniqueFd fd_;
  bool connected_ = false;
  ipc::FrameReader frames_;
};

}  // namespace camvault::keystored

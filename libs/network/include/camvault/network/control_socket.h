// wpa_supplicant's control interface: text datagrams over a Unix socket. One object is one socket; events
// come on one that has attached and sends nothing else.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "camvault/base/file.h"
#include "camvault/base/secret.h"
#include "camvault/network/supplicant_event.h"

namespace camvault::network {

inline constexpr std::size_t kMaxCommand = 4096;  // bytes; wpa_supplicant reads no more
inline constexpr std::size_t kMaxReply = 64 * 1024;

// Thread-confined. Datagrams of any other process are not received: the socket is connected.
class ControlSocket {
 public:
  // Errc::not_found if nobody listens there.
  static Result<ControlSocket> connect(const std::filesystem::path& path);

  // The answer, without the line feed at its end. Errc::limit if it comes later than `timeout`, Errc::io if
  // wpa_supplicant is gone. Events that come between are passed over: see attach().
  Result<std::string> request(std::string_view command,
                              std::chrono::milliseconds timeout = std::chrono::seconds(5));
  // Errc::denied unless the answer is "OK".
  Status command(std::string_view command, std::chrono::milliseconds timeout = std::chrono::seconds(5));
  // The same for a command that ends in a secret; what was sent is wiped.
  Status command(std::string_view command, const Secret& secret,
                 std::chrono::milliseconds timeout = std::chrono::seconds(5));

  // Events come to this socket from now on.
  Status attach();
  // The next event, or nothing if none comes in time. What cannot be read as an event is passed over.
  Result<std::optional<SupplicantEvent>> next_event(std::chrono::milliseconds timeout);

  int fd() const { return fd_.get(); }

 private:
  explicit ControlSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<std::optional<std::string>> receive(std::chrono::milliseconds timeout);
  Result<std::string> exchange(BytesView command, std::chrono::milliseconds timeout);
  UniqueFd fd_;
};

}  // namespace camvault::network

#include "camvault/network/control_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace camvault::network {

namespace {
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

milliseconds until(SteadyClock::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - SteadyClock::now()));
}

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto& text = path.native();
  if (text.size() >= sizeof address.sun_path)
    return fail(Errc::usage, "the path of the control socket is too long");
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}
}  // namespace

Result<ControlSocket> ControlSocket::connect(const std::filesystem::path& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail(Errc::io, "no socket: " + errno_text(errno));
  // An answer needs a return address. The kernel makes one up that is no file (unix(7), autobind): nothing is
  // left behind, and nobody else can be there first.
  const sa_family_t own = AF_UNIX;
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
    return fail(Errc::io, "no name for a socket: " + errno_text(errno));
  CAM_TRY(const auto address, address_of(path));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(errno == ENOENT || errno == ECONNREFUSED ? Errc::not_found : Errc::io,
                path.string() + ": " + errno_text(errno));
  }
  return ControlSocket(std::move(fd));
}

Result<std::optional<std::string>> ControlSocket::receive(milliseconds timeout) {
  pollfd waiting{fd_.get(), POLLIN, 0};
  const int ready = poll(&waiting, 1, static_cast<int>(timeout.count()));
  if (ready < 0 && errno != EINTR) return fail(Errc::io, "wpa_supplicant: " + errno_text(errno));
  if (ready <= 0) return std::optional<std::string>();
  std::string message(kMaxReply, '\0');
  const auto got = recv(fd_.get(), message.data(), message.size(), MSG_TRUNC);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return std::optional<std::string>();
    return fail(Errc::io, "wpa_supplicant is gone: " + errno_text(errno));
  }
  if (static_cast<std::size_t>(got) > message.size())
    return fail(Errc::limit, "wpa_supplicant said too much");
  message.resize(static_cast<std::size_t>(got));
  return std::optional<std::string>(std::move(message));
}

Result<std::string> ControlSocket::exchange(BytesView command, milliseconds timeout) {
  if (command.empty() || command.size() >= kMaxCommand)
    return fail(Errc::limit, "a command of less than 4 KiB");
  if (send(fd_.get(), command.data(), command.size(), MSG_NOSIGNAL) < 0)
    return fail(Errc::io, "wpa_supplicant is gone: " + errno_text(errno));
  const auto deadline = SteadyClock::now() + timeout;
  for (;;) {
    const auto left = until(deadline);
    CAM_TRY(auto message, receive(left));
    if (!message || message->starts_with('<')) {
      if (left.count() == 0) return fail(Errc::limit, "wpa_supplicant does not answer");
      continue;
    }
    while (message->ends_with('\n')) message->pop_back();
    return std::move(*message);
  }
}

Result<std::string> ControlSocket::request(std::string_view command, milliseconds timeout) {
  return exchange(as_bytes(command), timeout);
}

Status ControlSocket::command(std::string_view text, milliseconds timeout) {
  CAM_TRY(const auto answer, request(text, timeout));
  if (answer != "OK") {
    const auto word = text.substr(0, text.find(' '));
    return fail(Errc::denied, "wpa_supplicant refuses " + std::string(word) + ": " + harmless(answer));
  }
  return ok();
}

Status ControlSocket::command(std::string_view text, const Secret& secret, milliseconds timeout) {
  const auto whole = secret.reveal([&](BytesView value) {
    return Secret::make(text.size() + value.size(), [&](std::span<std::uint8_t> out) {
      std::memcpy(out.data(), text.data(), text.size());
      if (!value.empty()) std::memcpy(out.data() + text.size(), value.data(), value.size());
    });
  });
  CAM_TRY(const auto answer, whole.reveal([&](BytesView bytes) { return exchange(bytes, timeout); }));
  if (answer != "OK") return fail(Errc::denied, "wpa_supplicant refuses what it asked for");
  return ok();
}

Status ControlSocket::attach() {
  return command("ATTACH");
}

Result<std::optional<SupplicantEvent>> ControlSocket::next_event(milliseconds timeout) {
  const auto deadline = SteadyClock::now() + timeout;
  for (;;) {
    const auto left = until(deadline);
    CAM_TRY(const auto message, receive(left));
    if (message) {
      auto event = parse_event(*message);
      if (event) return std::optional<SupplicantEvent>(std::move(*event));
    }
    if (left.count() == 0) return std::optional<SupplicantEvent>();
  }
}

}  // namespace camvault::network

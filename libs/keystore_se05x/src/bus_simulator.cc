#include "bus_simulator.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <string>

#include "camvault/base/byte_writer.h"
#include "camvault/base/file.h"

namespace camvault::keystore_se05x {

namespace {
constexpr int kTimeoutMs = 10'000;  // a record's answer; RSA keys are made while one waits

class SimulatorBus final : public Bus {
 public:
  explicit SimulatorBus(UniqueFd fd) : fd_(std::move(fd)) {}

  Status write(BytesView frame) override {
    if (frame.size() > kBusMaxTransfer) return fail(Errc::usage, "transaction too long");
    CAM_TRY_STATUS(send(kBusWrite, frame.size(), frame));
    return acknowledged();
  }
  Status read(std::span<std::uint8_t> out) override {
    if (out.size() > kBusMaxTransfer) return fail(Errc::usage, "transaction too long");
    CAM_TRY_STATUS(send(kBusRead, out.size(), {}));
    CAM_TRY_STATUS(acknowledged());
    return receive(out);
  }
  bool is_simulator() const override { return true; }

 private:
  Status send(std::uint8_t what, std::size_t count, BytesView bytes) {
    ByteWriter record;
    record.u8(what);
    record.u16(static_cast<std::uint16_t>(count));
    record.raw(bytes);
    auto rest = record.view();
    while (!rest.empty()) {
      // A vanished simulator is an error here, not a signal to the whole process. A pty is no socket.
      auto done = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (done < 0 && errno == ENOTSOCK) done = ::write(fd_.get(), rest.data(), rest.size());
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return fail(Errc::io, "the simulator is gone");
      rest = rest.subspan(static_cast<std::size_t>(done));
    }
    return ok();
  }
  Status receive(std::span<std::uint8_t> out) {
    while (!out.empty()) {
      pollfd ready{fd_.get(), POLLIN, 0};
      const int count = ::poll(&ready, 1, kTimeoutMs);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return fail(Errc::io, "the simulator does not answer");
      const auto done = ::read(fd_.get(), out.data(), out.size());
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return fail(Errc::io, "the simulator is gone");
      out = out.subspan(static_cast<std::size_t>(done));
    }
    return ok();
  }
  Status acknowledged() {
    std::uint8_t answer = kBusRefused;
    CAM_TRY_STATUS(receive(std::span(&answer, 1)));
    if (answer == kBusAcknowledged) return ok();
    if (answer == kBusRefused) return fail(Errc::unavailable, "not acknowledged");
    return fail(Errc::io, "what is at the other end is no simulator");
  }

  UniqueFd fd_;
};

tl::unexpected<Error> nobody(std::string_view address, int error) {
  return fail(Errc::unavailable, "no simulator at " + std::string(address) + ": " + errno_text(error));
}

Result<UniqueFd> connect_unix(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(Errc::usage, "socket path of that length");
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return nobody(path, errno);
  return fd;
}

Result<UniqueFd> connect_tcp(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0)
    return fail(Errc::usage, "no port number");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return nobody(text, errno);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Result<UniqueFd> open_pty(std::string_view path) {
  UniqueFd fd(::open(std::string(path).c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY));
  termios line{};
  if (!fd.valid() || ::tcgetattr(fd.get(), &line) != 0) return nobody(path, errno);
  ::cfmakeraw(&line);
  if (::tcsetattr(fd.get(), TCSANOW, &line) != 0) return nobody(path, errno);
  return fd;
}
}  // namespace

Result<std::unique_ptr<Bus>> open_simulator_bus(std::string_view address) {
  const auto colon = address.find(':');
  if (colon == std::string_view::npos) return fail(Errc::usage, "no address of a simulator");
  const auto kind = address.substr(0, colon);
  const auto where = address.substr(colon + 1);
  const auto open = [&]() -> Result<UniqueFd> {
    if (kind == "unix") return connect_unix(where);
    if (kind == "tcp") return connect_tcp(where);
    if (kind == "pty") return open_pty(where);
    return fail(Errc::usage, "no address of a simulator");
  };
  CAM_TRY(auto fd, open());
  return std::make_unique<SimulatorBus>(std::move(fd));
}

}  // namespace camvault::keystore_se05x

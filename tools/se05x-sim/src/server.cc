#include "camvault/se05x_sim/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

namespace camvault::se05x_sim {

namespace {
constexpr int kBacklog = 8;
constexpr std::size_t kMaxConnections = 16;
constexpr std::size_t kRecordHead = 3;

tl::unexpected<Error> failed(const std::string& what) {
  return fail(Errc::io, what + ": " + errno_text(errno));
}

Result<UniqueFd> listen_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(Errc::usage, "socket path of that length");
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::unlink(path.c_str());
  const auto old = ::umask(0177);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(old);
  if (bound != 0 || ::listen(fd.get(), kBacklog) != 0) return failed(path);
  return fd;
}

struct Tcp {
  UniqueFd fd;
  std::uint16_t port;
};
Result<Tcp> listen_tcp(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return fail(Errc::usage, "no port number");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), kBacklog) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return failed("127.0.0.1");
  return Tcp{std::move(fd), ntohs(address.sin_port)};
}

// One host: collects records, answers each.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  int fd() const { return fd_; }

  // False: the connection is over.
  bool readable(Simulator& simulator) {
    std::uint8_t piece[2048];
    const auto count = ::read(fd_, piece, sizeof piece);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (count <= 0) return false;
    append(buffer_, BytesView(piece, static_cast<std::size_t>(count)));
    while (buffer_.size() >= kRecordHead) {
      const std::size_t size = static_cast<std::size_t>(buffer_[1]) << 8 | buffer_[2];
      const bool is_write = buffer_[0] == keystore_se05x::kBusWrite;
      if ((!is_write && buffer_[0] != keystore_se05x::kBusRead) || size > keystore_se05x::kBusMaxTransfer)
        return false;
      const auto whole = kRecordHead + (is_write ? size : 0);
      if (buffer_.size() < whole) break;
      if (!answer(simulator, is_write, BytesView(buffer_).subspan(kRecordHead, whole - kRecordHead), size))
        return false;
      buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(whole));
    }
    return true;
  }

 private:
  bool answer(Simulator& simulator, bool is_write, BytesView frame, std::size_t count) const {
    Bytes out = {keystore_se05x::kBusRefused};
    if (is_write) {
      if (simulator.write(frame)) out[0] = keystore_se05x::kBusAcknowledged;
    } else if (const auto bytes = simulator.read(count)) {
      out[0] = keystore_se05x::kBusAcknowledged;
      append(out, *bytes);
    }
    BytesView rest = out;
    while (!rest.empty()) {
      const auto done = ::write(fd_, rest.data(), rest.size());
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return false;
      rest = rest.subspan(static_cast<std::size_t>(done));
    }
    return true;
  }

  int fd_;
  Bytes buffer_;
};
}  // namespace

Result<Listener> Listener::open(const std::string& address) {
  Listener out;
  if (address == "pty") {
    int master = -1;
    int slave = -1;
    char name[64] = {};
    termios line{};
    ::cfmakeraw(&line);
    if (::openpty(&master, &slave, name, &line, nullptr) != 0) return failed("no pty");
    out.fd_ = UniqueFd(master);
    out.keep_open_ = UniqueFd(slave);
    out.is_pty_ = true;
    out.address_ = std::string("pty:") + name;
    return out;
  }
  if (address.starts_with("unix:")) {
    CAM_TRY(out.fd_, listen_unix(address.substr(5)));
    out.address_ = address;
    return out;
  }
  if (address.starts_with("tcp:")) {
    CAM_TRY(auto tcp, listen_tcp(std::string_view(address).substr(4)));
    out.fd_ = std::move(tcp.fd);
    out.address_ = "tcp:" + std::to_string(tcp.port);
    return out;
  }
  return fail(Errc::usage, "listen on unix:PATH, tcp:PORT or pty");
}

Status Listener::serve(Simulator& simulator, int stop) {
  std::vector<UniqueFd> owners;
  std::vector<Connection> connections;
  if (is_pty_) connections.emplace_back(fd_.get());
  for (;;) {
    std::vector<pollfd> ready = {{stop, POLLIN, 0}};
    if (!is_pty_) ready.push_back({connections.size() < kMaxConnections ? fd_.get() : -1, POLLIN, 0});
    const auto first = ready.size();
    for (const auto& connection : connections) ready.push_back({connection.fd(), POLLIN, 0});
    if (::poll(ready.data(), ready.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return failed("poll");
    }
    if (ready[0].revents != 0) return ok();
    for (auto i = connections.size(); i-- > 0;) {
      if (ready[first + i].revents == 0 || connections[i].readable(simulator)) continue;
      if (is_pty_) return ok();
      connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
      owners.erase(owners.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (is_pty_ || ready[1].revents == 0) continue;
    UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) continue;
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on,
                 sizeof on);  // fails on Unix sockets, which need none
    connections.emplace_back(fd.get());
    owners.push_back(std::move(fd));
  }
}

}  // namespace camvault::se05x_sim

#include "camvault/net/tcp.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "camvault/base/owned.h"

namespace camvault::net {

namespace {
constexpr int kBacklog = 512;

tl::unexpected<Error> too_late() {
  return fail(Errc::unavailable, "no answer within the time");
}

// One step of a connection that cannot wait: whether it is made, or why not.
Status connect_one(int fd, const addrinfo& to, Deadline deadline) {
  if (::connect(fd, to.ai_addr, to.ai_addrlen) == 0) return ok();
  int error = errno;
  if (error == EINPROGRESS) {
    if (!wait_for(fd, POLLOUT, deadline)) return too_late();
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  }
  if (error != 0) return fail(Errc::unavailable, errno_text(error));
  return ok();
}

void send_at_once(int fd) {
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}
}  // namespace

bool wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd poll{fd, events, 0};
    const int ready = ::poll(&poll, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

Result<UniqueFd> connect_tcp(const std::string& host, const std::string& port, Deadline deadline) {
  auto name = host;
  if (name.size() > 2 && name.front() == '[' && name.back() == ']')
    name = name.substr(1, name.size() - 2);  // RFC 3986 3.2.2
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (name.empty() || ::getaddrinfo(name.c_str(), port.c_str(), &hints, &list) != 0)
    return fail(Errc::unavailable, "the name is not known");
  const Owned<addrinfo, freeaddrinfo> owner(list);
  Error last{Errc::unavailable, "no address"};
  for (const auto* at = list; at != nullptr; at = at->ai_next) {
    UniqueFd fd(::socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol));
    if (!fd.valid()) continue;
    const auto made = connect_one(fd.get(), *at, deadline);
    if (made) {
      send_at_once(fd.get());
      return fd;
    }
    last = made.error();
  }
  return tl::unexpected(last);
}

Result<std::size_t> TcpStream::read(std::span<std::uint8_t> into, Deadline deadline) {
  for (;;) {
    const auto count = ::recv(socket_.get(), into.data(), into.size(), 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail(Errc::unavailable, errno_text(errno));
    if (!wait_for(socket_.get(), POLLIN, deadline)) return too_late();
  }
}

Status TcpStream::write(BytesView bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail(Errc::unavailable, errno_text(errno));
    if (!wait_for(socket_.get(), POLLOUT, deadline)) return too_late();
  }
  return ok();
}

Result<Listener> Listener::listen(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &list) != 0)
    return fail(Errc::usage, "not an address to listen at: " + address);
  const Owned<addrinfo, freeaddrinfo> owner(list);
  UniqueFd fd(::socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (!fd.valid() || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(fd.get(), list->ai_addr, list->ai_addrlen) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return fail(Errc::unavailable,
                "cannot listen at " + address + " port " + std::to_string(port) + ": " + errno_text(errno));
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
    return fail(Errc::io, errno_text(errno));
  const auto number = bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                                  : reinterpret_cast<const sockaddr_in&>(bound).sin_port;
  return Listener(std::move(fd), ntohs(number));
}

Result<UniqueFd> Listener::accept(Deadline deadline) {
  for (;;) {
    UniqueFd fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      send_at_once(fd.get());
      return fd;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      return fail(Errc::limit, errno_text(errno));
    if (errno != EAGAIN) continue;  // accept(2): errors of that one connection
    if (!wait_for(socket_.get(), POLLIN, deadline)) return too_late();
  }
}

}  // namespace camvault::net

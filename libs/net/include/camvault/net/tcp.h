// TCP with deadlines. Descriptors are non-blocking and close on exec.
#pragma once

#include <cstdint>
#include <string>

#include "camvault/base/file.h"
#include "camvault/net/stream.h"

namespace camvault::net {

// Until something can be done with the socket (POLLIN, POLLOUT). False at the deadline.
bool wait_for(int fd, short events, Deadline deadline);

// All addresses of the host, one after the other. `host`: a name or an address; an IPv6 one may stand in
// brackets. Errc::unavailable with the reason. The name lookup itself is limited by the system alone.
Result<UniqueFd> connect_tcp(const std::string& host, const std::string& port, Deadline deadline);

class TcpStream final : public Stream {
 public:
  explicit TcpStream(UniqueFd socket) : socket_(std::move(socket)) {}
  Result<std::size_t> read(std::span<std::uint8_t> into, Deadline deadline) override;
  Status write(BytesView bytes, Deadline deadline) override;

 private:
  UniqueFd socket_;
};

class Listener {
 public:
  // `address`: "127.0.0.1", "::", ...; port 0: the system chooses.
  static Result<Listener> listen(const std::string& address, std::uint16_t port);
  std::uint16_t port() const { return port_; }
  int fd() const { return socket_.get(); }
  // Errc::unavailable at the deadline; Errc::limit when this process may open no more descriptors.
  Result<UniqueFd> accept(Deadline deadline);

 private:
  Listener(UniqueFd socket, std::uint16_t port) : socket_(std::move(socket)), port_(port) {}
  UniqueFd socket_;
  std::uint16_t port_;
};

}  // namespace camvault::net

#include "camvault/enrolment/tls_transport.h"

namespace camvault::enrolment {

struct TlsTransport::Open {
  std::unique_ptr<tls::Connection> connection;
  http::Reader reader;
  bool used = false;

  explicit Open(std::unique_ptr<tls::Connection> c) : connection(std::move(c)), reader(*connection) {}
};

TlsTransport::TlsTransport(const tls::Context& context, http::Url server, std::chrono::milliseconds timeout,
                           std::vector<std::string> addresses)
    : context_(context), server_(std::move(server)), addresses_(std::move(addresses)), timeout_(timeout) {
  if (addresses_.empty()) addresses_.push_back(server_.host);
}
TlsTransport::~TlsTransport() = default;

Status TlsTransport::connect() {
  open_.reset();
  Error last{Errc::unavailable, "no address"};
  for (const auto& address : addresses_) {
    auto socket = net::connect_tcp(address, server_.port, net::within(timeout_ / addresses_.size()));
    if (!socket) {
      last = socket.error();
      continue;
    }
    // Who takes the connection is the one that is judged.
    CAM_TRY(auto connection, context_.connect_over(std::move(*socket), server_.host, net::within(timeout_)));
    open_ = std::make_unique<Open>(std::move(connection));
    return ok();
  }
  return fail_in(server_.host, last);
}

Result<http::Response> TlsTransport::exchange(const http::Request& request) {
  auto message = request;
  message.headers.add("Host", server_.authority());
  http::Limits limits;
  limits.body = kMaxEstBody;
  for (;;) {
    if (open_ == nullptr) CAM_TRY_STATUS(connect());
    const auto deadline = net::within(timeout_);
    const bool used = std::exchange(open_->used, true);
    auto sent = http::write_request(*open_->connection, message, deadline);
    auto answer = sent ? open_->reader.response(limits, deadline) : tl::unexpected(sent.error());
    if (answer) {
      if (answer->headers.get("Connection") == "close") open_.reset();
      return answer;
    }
    open_.reset();
    // A server may end a connection between two questions; asking twice does no harm.
    const bool again = used && request.method == "GET" && answer.error().code != Errc::limit;
    if (!again) {
      const auto code = answer.error().code;
      return fail(code == Errc::not_found ? Errc::unavailable : code,
                  server_.host + ": " + answer.error().what);
    }
  }
}

Result<Bytes> TlsTransport::channel_binding() {
  CAM_TRY_STATUS(connect());
  return open_->connection->channel_binding();
}

Result<tls::Connection*> TlsTransport::connection() {
  if (open_ == nullptr) CAM_TRY_STATUS(connect());
  return open_->connection.get();
}

tls::Connection* TlsTransport::open_connection() {
  return open_ == nullptr ? nullptr : open_->connection.get();
}

bool TlsTransport::always_binds() const {
  return open_ != nullptr && open_->connection->version() == tls::Version::tls1_2;
}

}  // namespace camvault::enrolment

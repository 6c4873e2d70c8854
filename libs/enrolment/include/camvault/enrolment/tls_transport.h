// EST over libs/tls.
#pragma once

#include <memory>

#include "camvault/enrolment/est_client.h"
#include "camvault/tls/context.h"

namespace camvault::enrolment {

// Connects when it is first asked, and again when the server ended the connection. Thread-confined.
class TlsTransport final : public EstTransport {
 public:
  // `context` must outlive it. `timeout`: for each connection and each exchange. `addresses`: where the
  // server is, one after the other; none: where its name leads.
  TlsTransport(const tls::Context& context, http::Url server, std::chrono::milliseconds timeout,
               std::vector<std::string> addresses = {});
  ~TlsTransport() override;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  Result<http::Response> exchange(const http::Request& request) override;
  Result<Bytes> channel_binding() override;  // of a new connection, which serves the next exchange
  bool always_binds() const override;
  // The connection that the next exchange goes over, opened if there is none; and the one that is open, or
  // null: an answer may have been its last.
  Result<tls::Connection*> connection();
  tls::Connection* open_connection();

 private:
  struct Open;
  Status connect();
  const tls::Context& context_;
  http::Url server_;
  std::vector<std::string> addresses_;
  std::chrono::milliseconds timeout_;
  std::unique_ptr<Open> open_;
};

}  // namespace camvault::enrolment

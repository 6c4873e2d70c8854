// Connections: each has a thread while it lasts, and all of its waits have an end. So many at a time; the
// others wait in the kernel's queue.
#pragma once

#include <csignal>

#include "camvault/http/message.h"
#include "camvault/tls/context.h"

namespace camvault::service {

// What is served. Called from several threads at a time.
class Service {
 public:
  virtual ~Service() = default;
  // For the next connection.
  virtual Result<std::shared_ptr<const tls::Context>> context() = 0;
  virtual http::Response answer(const http::Request& request, tls::Connection& connection) = 0;
};

struct ServerLimits {
  unsigned connections = 128;
  std::chrono::milliseconds handshake{10'000};
  std::chrono::milliseconds request{10'000};  // to come in whole, and to be answered
  std::chrono::milliseconds idle{5'000};      // between two requests
  unsigned requests = 100;                    // of one connection
  std::size_t body = 64 * 1024;               // bytes
};

// Until `*stop` is set. `name` is for the log.
Status serve(net::Listener& listener, Service& service, const std::string& name, const ServerLimits& limits,
             const volatile std::sig_atomic_t* stop);

}  // namespace camvault::service

// Connections: each has a thread while it lasts, and all of its waits have an end. So many at a time; the
// others wait in the kernel's queue.
#pragma once

#include <csignal>

#include "api.h"

namespace camvault::fleetd {

struct ServerLimits {
  unsigned connections = 128;
  std::chrono::milliseconds handshake{10'000};
  std::chrono::milliseconds request{10'000};  // to come in whole, and to be answered
  std::chrono::milliseconds idle{5'000};      // between two requests
  unsigned requests = 100;                    // of one connection
};

// Until `*stop` is set.
Status serve(net::Listener& listener, Authority& authority, Store& store, const Clock& clock,
             const ServerLimits& limits, const volatile std::sig_atomic_t* stop);

}  // namespace camvault::fleetd

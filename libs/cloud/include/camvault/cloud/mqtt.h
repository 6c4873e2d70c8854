// The connection to a broker.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "camvault/cloud/profile.h"
#include "camvault/cloud/queue.h"
#include "camvault/tls/context.h"

namespace camvault::cloud {

struct Progress {
  std::size_t delivered = 0;  // by this object
  bool connected = false;
  bool refused = false;  // the last server is not whom the policy means: waiting does not help
  std::string trouble;   // why it is not connected, or was not at last; empty: nothing happened yet
};

// Takes messages out of a queue and gives them to the broker, at least once each (QoS 1), in their order.
// Comes back by itself, with growing pauses. Thread-confined. The process must ignore SIGPIPE.
class Publisher {
 public:
  // `context`: of a client whose policy says which server (expected_name). Both must outlive it.
  static Result<std::unique_ptr<Publisher>> create(const Profile& profile, const Device& device,
                                                   const tls::Context& context, Queue& queue);
  virtual ~Publisher() = default;

  // Works until `done` says so; it is asked after each step, at least every tenth of a second.
  virtual Status run(const std::function<bool(const Progress&)>& done) = 0;
};

}  // namespace camvault::cloud

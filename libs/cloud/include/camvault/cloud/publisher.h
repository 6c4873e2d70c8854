// The connection to the cloud.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "camvault/cloud/profile.h"
#include "camvault/cloud/queue.h"
#include "camvault/tls/context.h"

namespace camvault::cloud {

struct Progress {
  std::size_t delivered = 0;         // by this object
  std::vector<std::string> refused;  // messages that the cloud will never take, with its reason: set aside
  bool connected = false;
  // Waiting does not help. invalid: the server is not whom the policy means; denied: it does not want us.
  std::optional<Errc> verdict;
  std::string trouble;  // why it is not connected, or was not at last; empty: nothing happened yet
};

// Takes messages out of a queue and gives them to the cloud, at least once each and in their order. Comes
// back by itself, with growing pauses. Thread-confined. The process must ignore SIGPIPE.
class Publisher {
 public:
  // Over the profile's transport. `context`: of a client whose policy says which server (expected_name). It
  // and the queue must outlive the publisher.
  static Result<std::unique_ptr<Publisher>> create(const Profile& profile, const Device& device,
                                                   const tls::Context& context, Queue& queue);
  virtual ~Publisher() = default;

  // Works until `done` says so; it is asked after each step, at least every tenth of a second while nothing
  // is on its way.
  virtual Status run(const std::function<bool(const Progress&)>& done) = 0;
};

}  // namespace camvault::cloud

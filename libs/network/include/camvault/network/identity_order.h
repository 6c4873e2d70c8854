// Which identity is shown next. No clock, no I/O: events in, decisions out.
//
// The owner's identity first. A network that refuses one gets the next: a server may know only one algorithm,
// and a refused or expired LDevID leads back to the provisioning network, where there is a new one. When all
// are refused it starts again from the first, after a pause that doubles. A server that we do not believe is
// no reason to show it another certificate.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "camvault/network/credentials.h"

namespace camvault::network {

inline constexpr std::chrono::seconds kFirstPause{2};
inline constexpr std::chrono::seconds kLongestPause{300};
// On a factory identity although there is an owner's: the owner's is tried again after this, doubling.
inline constexpr std::chrono::minutes kFirstReturn{15};
inline constexpr std::chrono::minutes kLongestReturn{240};

class IdentityOrder {
 public:
  // At least one.
  explicit IdentityOrder(std::vector<Credential> credentials);

  const Credential& current() const { return credentials_[index_]; }
  std::size_t index() const { return index_; }
  std::size_t size() const { return credentials_.size(); }

  // The network refused what was shown: goes on to the next. How long to wait before that is shown.
  std::chrono::milliseconds refused();
  // The server's certificate was not good: the same again, later.
  std::chrono::milliseconds server_not_believed();
  void admitted();
  // Admitted by a factory identity although the owner's is there: when to try that one again. 0: never.
  std::chrono::milliseconds return_after() const;
  // That time has come: begins with the first.
  void try_best_again();

 private:
  std::chrono::milliseconds pause();

  std::vector<Credential> credentials_;
  std::size_t index_ = 0;
  std::chrono::seconds pause_ = kFirstPause;
  std::chrono::minutes return_ = kFirstReturn;
};

}  // namespace camvault::network

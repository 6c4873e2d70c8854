#include "camvault/network/identity_order.h"

#include <algorithm>

namespace camvault::network {

using std::chrono::milliseconds;

IdentityOrder::IdentityOrder(std::vector<Credential> credentials) : credentials_(std::move(credentials)) {}

milliseconds IdentityOrder::pause() {
  const auto now = pause_;
  pause_ = std::min(kLongestPause, pause_ * 2);
  return now;
}

milliseconds IdentityOrder::refused() {
  index_ = (index_ + 1) % credentials_.size();
  return index_ == 0 ? pause() : milliseconds(0);
}

milliseconds IdentityOrder::server_not_believed() {
  return pause();
}

void IdentityOrder::admitted() {
  pause_ = kFirstPause;
  if (current().kind == IdentityKind::ldevid) return_ = kFirstReturn;
}

milliseconds IdentityOrder::return_after() const {
  const bool better =
      current().kind == IdentityKind::idevid && credentials_.front().kind == IdentityKind::ldevid;
  return better ? milliseconds(return_) : milliseconds(0);
}

void IdentityOrder::try_best_again() {
  index_ = 0;
  return_ = std::min(kLongestReturn, return_ * 2);
}

}  // namespace camvault::network

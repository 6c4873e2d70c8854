#include "camvault/keystore_engine/tries.h"

#include <algorithm>

namespace camvault::keystore_engine {

bool Tries::begin(const keystore::KeyName& name, Time now) {
  const std::lock_guard lock(mutex_);
  auto& entry = entries_[name];
  if (now < entry.not_before) return false;
  ++entry.wrong;
  if (entry.wrong <= kFree) return true;
  constexpr unsigned kMostDoublings = 10;
  const auto doublings = std::min(entry.wrong - kFree - 1, kMostDoublings);
  entry.not_before = now + std::min(kFirstWait * (1u << doublings), kLongestWait);
  return true;
}

void Tries::was_right(const keystore::KeyName& name) {
  const std::lock_guard lock(mutex_);
  entries_.erase(name);
}

void Tries::was_none(const keystore::KeyName& name) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  if (found->second.wrong > 0) --found->second.wrong;
  found->second.not_before = {};
}

}  // namespace camvault::keystore_engine

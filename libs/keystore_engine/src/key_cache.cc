#include "camvault/keystore_engine/key_cache.h"

namespace camvault::keystore_engine {

std::shared_ptr<const BackendKey> KeyCache::find(const keystore::KeyName& name) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(name);
  if (found == index_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->key;
}

void KeyCache::insert(const keystore::KeyName& name, std::shared_ptr<const BackendKey> key) {
  const std::lock_guard lock(mutex_);
  if (index_.contains(name)) return;  // another thread was faster; both opened the same key
  if (recent_.size() >= capacity_) {
    index_.erase(recent_.back().name);
    recent_.pop_back();
  }
  recent_.push_front({name, std::move(key)});
  index_.emplace(name, recent_.begin());
}

void KeyCache::remove(const keystore::KeyName& name) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(name);
  if (found == index_.end()) return;
  recent_.erase(found->second);
  index_.erase(found);
}

std::size_t KeyCache::size() const {
  const std::lock_guard lock(mutex_);
  return recent_.size();
}

}  // namespace camvault::keystore_engine

// Opened keys of the last while, so that a key in use is not unsealed for every signature. Bounded;
// thread-safe.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "camvault/keystore/key_name.h"
#include "camvault/keystore_engine/backend.h"

namespace camvault::keystore_engine {

class KeyCache {
 public:
  explicit KeyCache(std::size_t capacity) : capacity_(capacity) {}

  std::shared_ptr<const BackendKey> find(const keystore::KeyName& name);
  void insert(const keystore::KeyName& name,
              std::shared_ptr<const BackendKey> key);  // the least recently used one leaves
  void remove(const keystore::KeyName& name);
  std::size_t size() const;

 private:
  struct Entry {
    keystore::KeyName name;
    std::shared_ptr<const BackendKey> key;
  };
  std::size_t capacity_;
  mutable std::mutex mutex_;
  std::list<Entry> recent_;  // most recently used first
  std::map<keystore::KeyName, std::list<Entry>::iterator> index_;
};

}  // namespace camvault::keystore_engine

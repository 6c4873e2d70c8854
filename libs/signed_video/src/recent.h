// The last N keys and what is known about each: memory that a hostile stream cannot make grow.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

namespace camvault::signed_video {

template <class Value, std::size_t kMost>
class Recent {
 public:
  // Null if the key was never here, or too long ago.
  const Value* find(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }

  // A key that is there keeps its place in the order and gets the new value.
  void remember(std::string key, Value value) {
    if (const auto found = values_.find(key); found != values_.end()) {
      found->second = std::move(value);
      return;
    }
    if (order_.size() == kMost) {
      values_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(key);
    values_.emplace(std::move(key), std::move(value));
  }

 private:
  std::unordered_map<std::string, Value> values_;
  std::deque<std::string> order_;
};

}  // namespace camvault::signed_video

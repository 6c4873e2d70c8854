// Wrong tries at a secret: a few are free, then each one makes everybody wait longer for the next.
#pragma once

#include <chrono>
#include <map>
#include <mutex>

#include "camvault/keystore/key_name.h"

namespace camvault::keystore_engine {

// Kept in memory: who could restart the service could read its memory as well. Thread-safe.
class Tries {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr unsigned kFree = 5;
  static constexpr std::chrono::seconds kFirstWait{1};  // doubles with each further wrong try
  static constexpr std::chrono::seconds kLongestWait{900};

  // Counts a try before it is made, so that many at once are not many free ones. False: wait first.
  bool begin(const keystore::KeyName& name, Time now);
  // The try was right: all is forgotten. What was no try at all (an error) is taken back.
  void was_right(const keystore::KeyName& name);
  void was_none(const keystore::KeyName& name);

 private:
  struct Entry {
    unsigned wrong = 0;
    Time not_before{};
  };
  std::mutex mutex_;
  std::map<keystore::KeyName, Entry> entries_;  // of secrets that exist: bounded by their number
};

}  // namespace camvault::keystore_engine

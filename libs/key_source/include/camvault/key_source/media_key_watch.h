// Tells a program that signs for days when the camera's signing key was renewed.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "camvault/key_source/signing_identity.h"

namespace camvault::key_source {

// Looks twice a second, on a thread of its own, which also opens the new key: a slow keystore holds nobody
// up.
class MediaKeyWatch {
 public:
  // `name`: of the key that is used now. Watches nothing for keys that are not the camera's own.
  MediaKeyWatch(KeySource source, std::string name);
  ~MediaKeyWatch();
  MediaKeyWatch(const MediaKeyWatch&) = delete;
  MediaKeyWatch& operator=(const MediaKeyWatch&) = delete;

  // A key that is to be used from now on, once for each. Does not wait.
  std::optional<SigningIdentity> take();

 private:
  void watch(const std::stop_token& ending);

  KeySource source_;
  std::string name_;  // of the last one that was found
  std::mutex mutex_;
  std::optional<SigningIdentity> found_;
  std::jthread worker_;  // last: it uses all of the above
};

}  // namespace camvault::key_source

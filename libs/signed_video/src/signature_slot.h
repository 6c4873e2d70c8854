// Where a signature arrives, from whatever thread the key lives on. Outlives the signer if the key is slow.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"

namespace camvault::signed_video {

class SignatureSlot {
 public:
  void set(Result<Bytes> result) {
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
    arrived_.notify_all();
  }
  std::optional<Result<Bytes>> take_if_ready() {
    const std::lock_guard lock(mutex_);
    return std::exchange(result_, std::nullopt);
  }
  std::optional<Result<Bytes>> take_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, deadline, [&] { return result_.has_value(); });
    return std::exchange(result_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::optional<Result<Bytes>> result_;
};

}  // namespace camvault::signed_video

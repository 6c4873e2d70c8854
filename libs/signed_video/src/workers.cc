#include "workers.h"

#include <algorithm>

namespace camvault::signed_video {

namespace {
constexpr unsigned kMaxThreads = 64;
}

unsigned thread_count(unsigned jobs) {
  return std::clamp(jobs == 0 ? std::thread::hardware_concurrency() : jobs, 1u, kMaxThreads);
}

Workers::Workers(unsigned threads) {
  for (unsigned i = 1; i < threads; ++i) others_.emplace_back([this] { serve(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : others_) thread.join();
}

void Workers::run(std::size_t count, const std::function<void(std::size_t)>& part) {
  std::unique_lock lock(mutex_);
  part_ = &part;
  next_ = 0;
  count_ = count;
  if (count > 1) changed_.notify_all();
  while (do_one(lock)) {
  }
  changed_.wait(lock, [&] { return running_ == 0; });
  part_ = nullptr;
}

bool Workers::do_one(std::unique_lock<std::mutex>& lock) {
  if (next_ == count_) return false;
  const auto index = next_++;
  const auto& part = *part_;
  ++running_;
  lock.unlock();
  part(index);
  lock.lock();
  if (--running_ == 0 && next_ == count_) changed_.notify_all();
  return true;
}

void Workers::serve() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!do_one(lock)) changed_.wait(lock, [&] { return stopping_ || next_ < count_; });
  }
}

}  // namespace camvault::signed_video

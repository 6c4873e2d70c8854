#include "worker_pool.h"

namespace camvault::keystored {

WorkerPool::WorkerPool(std::size_t threads) : alive_(threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() {
  stop(std::chrono::milliseconds(0));
  for (auto& thread : threads_) thread.join();
}

bool WorkerPool::stop(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  work_.notify_all();
  return ended_.wait_for(lock, patience, [&] { return alive_ == 0; });
}

bool WorkerPool::submit(std::uint32_t user, Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_ >= kMaxJobs) return false;
    auto& queue = jobs_[user];
    if (queue.size() >= kMaxJobsPerUser) return false;
    queue.push_back(std::move(job));
    ++waiting_;
  }
  work_.notify_one();
  return true;
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [&] { return stopped_ || waiting_ > 0; });
    if (stopped_) break;
    auto next = jobs_.upper_bound(last_user_);
    if (next == jobs_.end()) next = jobs_.begin();
    last_user_ = next->first;
    auto job = std::move(next->second.front());
    next->second.pop_front();
    if (next->second.empty()) jobs_.erase(next);
    --waiting_;
    lock.unlock();
    job();
    job = nullptr;  // what it holds ends before the lock is taken again
    lock.lock();
  }
  --alive_;
  ended_.notify_all();
}

}  // namespace camvault::keystored

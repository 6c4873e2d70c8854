// Threads for operations that take long (RSA, key generation, the disk), fair between users: each user's jobs
// queue behind his own only.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace camvault::keystored {

class WorkerPool {
 public:
  using Job = std::function<void()>;
  static constexpr std::size_t kMaxJobsPerUser = 128;  // with the frame of each: 8 MiB
  static constexpr std::size_t kMaxJobs = 512;

  explicit WorkerPool(std::size_t threads);
  ~WorkerPool();  // stops, and waits for jobs that have begun
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False: the user, or all users together, have too many jobs waiting. Thread-safe.
  bool submit(std::uint32_t user, Job job);
  // Drops jobs that have not begun. False if others are still at work after that time.
  bool stop(std::chrono::milliseconds patience);

 private:
  void run();

  std::mutex mutex_;  // guards the next six
  std::condition_variable work_;
  std::condition_variable ended_;
  std::map<std::uint32_t, std::deque<Job>> jobs_;  // no empty queues
  std::uint32_t last_user_ = 0;                    // whose turn it was
  std::size_t waiting_ = 0;
  std::size_t alive_ = 0;  // threads
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace camvault::keystored

// A few threads that share out the parts of one piece of work.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace camvault::signed_video {

// Confined to the thread that made it; that thread works, too.
class Workers {
 public:
  explicit Workers(unsigned threads);  // in all, the caller's included; at least 1
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  unsigned threads() const { return static_cast<unsigned>(others_.size()) + 1; }

  // Calls part(i) once for each i below `count`, the first ones first, from any of the threads, and returns
  // when all are done. `part` must not throw and must not call run().
  void run(std::size_t count, const std::function<void(std::size_t)>& part);

 private:
  void serve();
  // True if there was a part to do.
  bool do_one(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void(std::size_t)>* part_ = nullptr;
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> others_;  // no std::jthread: the browser's standard library has none
};

// The number that `jobs` asks for: itself, or for 0 as many as the process has cores; at most 64.
unsigned thread_count(unsigned jobs);

}  // namespace camvault::signed_video

// What one process shares between its threads and must not hand on to its children: connections, sessions.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace camvault::ipc {

namespace detail {
struct ForkHandlers;

// Known to the process's fork handlers from construction on, and never destroyed: other threads may still be
// at work while the process ends.
class ForkAware {
 public:
  ForkAware(const ForkAware&) = delete;
  ForkAware& operator=(const ForkAware&) = delete;
  virtual ~ForkAware() = default;

 protected:
  ForkAware();
  virtual void forget() = 0;  // in the child, under the lock; no lock of the old value may be touched

  std::mutex mutex_;  // held over a fork, so that the child finds the value whole

 private:
  friend struct ForkHandlers;  // per_process.cc
  ForkAware* next_ = nullptr;
};
}  // namespace detail

// Null at first, and again in the child of a fork: what the parent had stays there unused, since a lock in it
// may be held by a thread that the child does not have. Make one as `static auto& x = *new PerProcess<T>;`.
template <class T>
class PerProcess : private detail::ForkAware {
 public:
  PerProcess() = default;

  // `use(std::shared_ptr<T>&)` alone, and quickly: nothing that waits or forks.
  template <class Use>
  decltype(auto) with(Use&& use) {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(*value_);
  }

 private:
  void forget() override { value_ = new std::shared_ptr<T>; }

  std::shared_ptr<T>* value_ = new std::shared_ptr<T>;
};

}  // namespace camvault::ipc

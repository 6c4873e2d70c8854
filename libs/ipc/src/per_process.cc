#include "camvault/ipc/per_process.h"

#include <pthread.h>

namespace camvault::ipc::detail {

struct ForkHandlers {
  std::mutex mutex;
  ForkAware* first = nullptr;

  static ForkHandlers& all() {
    static auto& handlers = *new ForkHandlers;
    return handlers;
  }
  static void before() {
    all().mutex.lock();
    for (auto* one = all().first; one != nullptr; one = one->next_) one->mutex_.lock();
  }
  static void in_parent() {
    for (auto* one = all().first; one != nullptr; one = one->next_) one->mutex_.unlock();
    all().mutex.unlock();
  }
  static void in_child() {
    for (auto* one = all().first; one != nullptr; one = one->next_) {
      one->forget();
      one->mutex_.unlock();
    }
    all().mutex.unlock();
  }
};

ForkAware::ForkAware() {
  auto& handlers = ForkHandlers::all();
  static const int installed =
      ::pthread_atfork(ForkHandlers::before, ForkHandlers::in_parent, ForkHandlers::in_child);
  static_cast<void>(
      installed);  // without memory for it a child keeps what it got; its connections are shut all the same
  const std::lock_guard lock(handlers.mutex);
  next_ = handlers.first;
  handlers.first = this;
}

}  // namespace camvault::ipc::detail

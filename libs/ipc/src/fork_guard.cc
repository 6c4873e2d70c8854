#include "fork_guard.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>

namespace camvault::ipc {

namespace {
// Read by the child of a fork, where no lock may be taken: descriptors plus one, 0 for a free place.
std::atomic<int> guarded[kMaxGuarded];

void shut_all() {
  for (auto& place : guarded) {
    const int descriptor = place.exchange(0) - 1;
    if (descriptor >= 0) ::close(descriptor);
  }
}

bool is_installed() {
  // Goes with the library that this is linked into: glibc forgets handlers of a library that is unloaded.
  static const bool installed = ::pthread_atfork(nullptr, nullptr, shut_all) == 0;
  return installed;
}
}  // namespace

bool shut_in_children(int descriptor) {
  if (!is_installed()) return false;
  for (auto& place : guarded) {
    int expected = 0;
    if (place.compare_exchange_strong(expected, descriptor + 1)) return true;
  }
  return false;
}

void no_longer_shut(int descriptor) {
  for (auto& place : guarded) {
    int expected = descriptor + 1;
    if (place.compare_exchange_strong(expected, 0)) return;
  }
}

}  // namespace camvault::ipc

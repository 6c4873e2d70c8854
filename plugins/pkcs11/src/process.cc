#include "process.h"

#include <pthread.h>
#include <stdlib.h>

#include <chrono>
#include <new>

#include "camvault/ipc/keystore_client.h"

namespace camvault::pkcs11_module {

namespace {
struct Process {
  std::mutex mutex;
  std::shared_ptr<Module>* module = nullptr;  // on the heap, so that a child can leave it where it is
  std::filesystem::path root = "/";
  bool has_fork_handlers = false;
  Module::Connect connect;
};

// Never destroyed: other threads may still call while the process ends.
Process& process() {
  static Process& one = *new Process;
  return one;
}

// The lock is held over the fork, so that the child finds everything whole.
void before_fork() {
  process().mutex.lock();
}
void in_parent() {
  process().mutex.unlock();
}
// The parent's sessions, connections and their locks stay behind, unused: a lock in there may be held by a
// thread that does not exist here. The connections themselves are shut by `ipc`.
void in_child() {
  process().module = nullptr;
  process().mutex.unlock();
}

void read_root(std::filesystem::path& root) {
  const char* text = ::secure_getenv("CAMVAULT_KEYSTORE_ROOT");
  if (text != nullptr && *text == '/') root = text;
}

Result<std::shared_ptr<keystore::Keystore>> connect_to_keystored(const std::filesystem::path& root) {
  // Not waited for: programs that only look which tokens there are must not stand still where there is none.
  return ipc::connect_keystore(
      ipc::default_socket_path(root),
      {.timeout = std::chrono::seconds(30), .connect_timeout = std::chrono::milliseconds(0)});
}
}  // namespace

CK_RV initialize() {
  auto& p = process();
  const std::lock_guard lock(p.mutex);
  if (p.module != nullptr) return CKR_CRYPTOKI_ALREADY_INITIALIZED;
  read_root(p.root);
  if (!p.has_fork_handlers) {
    if (::pthread_atfork(before_fork, in_parent, in_child) != 0) return CKR_HOST_MEMORY;
    p.has_fork_handlers = true;
  }
  auto connect = p.connect;
  if (!connect) connect = [root = p.root] { return connect_to_keystored(root); };
  p.module = new std::shared_ptr<Module>(std::make_shared<Module>(std::move(connect), p.root));
  return CKR_OK;
}

CK_RV finalize() {
  std::shared_ptr<Module> last;  // goes when the lock is free again
  auto& p = process();
  const std::lock_guard lock(p.mutex);
  if (p.module == nullptr) return CKR_CRYPTOKI_NOT_INITIALIZED;
  last = std::move(*p.module);
  delete p.module;
  p.module = nullptr;
  return CKR_OK;
}

std::shared_ptr<Module> current() {
  auto& p = process();
  const std::lock_guard lock(p.mutex);
  return p.module == nullptr ? nullptr : *p.module;
}

void connect_with(Module::Connect connect) {
  auto& p = process();
  const std::lock_guard lock(p.mutex);
  p.connect = std::move(connect);
}

}  // namespace camvault::pkcs11_module

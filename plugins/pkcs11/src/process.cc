#include "process.h"

#include <stdlib.h>

#include <chrono>

#include "camvault/ipc/keystore_client.h"
#include "camvault/ipc/per_process.h"

namespace camvault::pkcs11_module {

namespace {
ipc::PerProcess<Module>& module() {
  static auto& one = *new ipc::PerProcess<Module>;
  return one;
}

// Used under the lock of module().
std::filesystem::path& root() {
  static auto& path = *new std::filesystem::path("/");
  return path;
}
Module::Connect& other_connect() {
  static auto& connect = *new Module::Connect;
  return connect;
}

Result<std::shared_ptr<keystore::Keystore>> connect_to_keystored(const std::filesystem::path& below) {
  // Not waited for: programs that only look which tokens there are must not stand still where there is none.
  return ipc::connect_keystore(
      ipc::default_socket_path(below),
      {.timeout = std::chrono::seconds(30), .connect_timeout = std::chrono::milliseconds(0)});
}
}  // namespace

CK_RV initialize() {
  return module().with([](std::shared_ptr<Module>& current) -> CK_RV {
    if (current != nullptr) return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    const char* text = ::secure_getenv("CAMVAULT_KEYSTORE_ROOT");
    if (text != nullptr && *text == '/') root() = text;
    auto connect = other_connect();
    if (!connect) connect = [below = root()] { return connect_to_keystored(below); };
    current = std::make_shared<Module>(std::move(connect), root());
    return CKR_OK;
  });
}

CK_RV finalize() {
  // Goes when the lock is free again.
  const auto last =
      module().with([](std::shared_ptr<Module>& current) { return std::exchange(current, nullptr); });
  return last == nullptr ? CKR_CRYPTOKI_NOT_INITIALIZED : CKR_OK;
}

std::shared_ptr<Module> current() {
  return module().with([](std::shared_ptr<Module>& current) { return current; });
}

void connect_with(Module::Connect connect) {
  module().with([&](std::shared_ptr<Module>&) { other_connect() = std::move(connect); });
}

}  // namespace camvault::pkcs11_module

#include "camvault/ipc/request.h"

#include "camvault/keystore/encoding.h"
#include "camvault/keystore/registry.h"

namespace camvault::ipc {

using keystore::Operation;

keystore::Operation Request::operation() const {
  return static_cast<Operation>(body.index() + 1);
}

const KeyName* Request::key() const {
  return std::visit(
      [](const auto& r) -> const KeyName* {
        if constexpr (requires { r.key; }) return &r.key;
        if constexpr (requires { r.use; }) return &r.use.key;
        return nullptr;
      },
      body);
}

const KeyName* Request::used_key() const {
  const auto* attest = std::get_if<request::Attest>(&body);
  return attest != nullptr ? &attest->attester : key();
}

std::string_view Request::backend() const {
  return std::visit(
      [](const auto& r) -> std::string_view {
        if constexpr (requires { r.backend; }) return r.backend;
        if constexpr (requires {
                        r.sealed;
                        r.key;
                      })
          return keystore::backend_of_sealed(r.sealed);
        return {};
      },
      body);
}

}  // namespace camvault::ipc

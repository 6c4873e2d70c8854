// From a decoded request to the engine's operation and back to an answer.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "camvault/ipc/request.h"
#include "camvault/ipc/response.h"
#include "camvault/keystore_engine/engine.h"
#include "camvault/keystore_tls/vault.h"

namespace camvault::keystored {

// What `status` says besides the engine's own facts.
struct ServiceFacts {
  std::string version;
  std::vector<keystore::Mechanism> mechanisms;
  // How long a backend, by its place in the engine, has kept a call beyond its deadline. Asked on the
  // server's loop only.
  std::function<std::optional<std::chrono::seconds>(std::size_t backend)> silent = {};
};

// Thread-safe. `vault`: of the connection; may be null if the operation is none of TLS.
ipc::Response dispatch(keystore_engine::Engine& engine, const ServiceFacts& facts,
                       const keystore_engine::Caller& who, keystore_tls::Vault* vault,
                       const ipc::Request& request);

}  // namespace camvault::keystored

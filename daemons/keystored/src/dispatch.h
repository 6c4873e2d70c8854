// From a decoded request to the engine's operation and back to an answer.
#pragma once

#include "camvault/ipc/request.h"
#include "camvault/ipc/response.h"
#include "camvault/keystore_engine/engine.h"

namespace camvault::keystored {

// What `status` says besides the engine's own facts.
struct ServiceFacts {
  std::string version;
  std::vector<keystore::Mechanism> mechanisms;
};

// Thread-safe.
ipc::Response dispatch(keystore_engine::Engine& engine, const ServiceFacts& facts,
                       const keystore_engine::Caller& who, const ipc::Request& request);

}  // namespace camvault::keystored

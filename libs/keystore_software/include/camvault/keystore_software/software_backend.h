// Keys in this process: OpenSSL objects in a locked heap, closed by the root key on disk.
#pragma once

#include <memory>
#include <string>

#include "camvault/keystore_engine/backend.h"

namespace camvault::keystore_software {

// Puts private key numbers into memory of their own: locked, not in core dumps, guarded by unmapped pages.
// Call once, before any key exists. False if the system did not allow it; keys then live in ordinary memory.
bool use_locked_heap();

// `name`: what key files call it.
std::shared_ptr<keystore_engine::Backend> make_software_backend(std::string name = "software");

crypto::Digest sha256(BytesView message);  // for EngineConfig

}  // namespace camvault::keystore_software

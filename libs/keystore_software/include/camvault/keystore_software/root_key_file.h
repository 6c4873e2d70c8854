// The root key as a file: what everything else on disk is sealed with until hardware holds it.
#pragma once

#include <filesystem>
#include <memory>

#include "camvault/keystore_engine/backend.h"

namespace camvault::keystore_software {

// Reads the root key, or makes it if the file is not there and `may_create`. The file must belong to this
// process's uid and be readable by nobody else (Errc::denied), be whole (Errc::malformed) and no link.
Result<std::shared_ptr<keystore_engine::Sealer>> open_root_key(const std::filesystem::path& path,
                                                               bool may_create);

// For tests and tools: a root key that is in memory only.
std::shared_ptr<keystore_engine::Sealer> make_volatile_root_key();

}  // namespace camvault::keystore_software

// Landlock, landlock(7): files below the state folder, what backends need, and nothing else of the file
// system or the network.
#pragma once

#include <filesystem>

#include "camvault/keystore/keystore.h"
#include "camvault/keystore_engine/backend.h"

namespace camvault::keystored {

// For the calling thread and those it starts afterwards. What the backends need is left open, and named in
// the mechanism's detail.
keystore::Mechanism restrict_files(const std::filesystem::path& state_folder,
                                   const keystore_engine::SandboxNeeds& needs = {});

}  // namespace camvault::keystored

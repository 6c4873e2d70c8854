// Landlock, landlock(7): files below the state folder and nothing else of the file system or the network.
#pragma once

#include <filesystem>

#include "camvault/keystore/keystore.h"

namespace camvault::keystored {

// For the calling thread and those it starts afterwards.
keystore::Mechanism restrict_files(const std::filesystem::path& state_folder);

}  // namespace camvault::keystored

// Certificates and revocation lists out of the files that settings name.
#pragma once

#include <filesystem>
#include <vector>

#include "camvault/crypto/engine.h"

namespace camvault::service {

// At most 4 MiB each. Errors begin with the file's name.
Result<std::vector<crypto::Certificate>> certificates_in(const crypto::Engine& engine,
                                                         const std::vector<std::filesystem::path>& files);
Result<std::vector<crypto::RevocationList>> lists_in(const crypto::Engine& engine,
                                                     const std::vector<std::filesystem::path>& files);

}  // namespace camvault::service

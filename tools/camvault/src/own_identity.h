// What a command of this camera proves itself with, and whom it believes.
#pragma once

#include <filesystem>
#include <vector>

#include "camvault/keystore/keystore.h"
#include "camvault/tls/credential.h"
#include "camvault/tls/policy.h"

namespace camvault::cli {

// `chain`: PEM, leaf first. The key stays in keystored.
Result<std::shared_ptr<const tls::Credential>> own_credential(const crypto::Engine& engine,
                                                              keystore::Keystore& store,
                                                              const std::string& key_name,
                                                              const std::filesystem::path& chain);

// Errors name the file.
Result<tls::Policy> policy_from(const crypto::Engine& engine,
                                const std::vector<std::filesystem::path>& anchors,
                                const std::vector<std::filesystem::path>& lists);

}  // namespace camvault::cli

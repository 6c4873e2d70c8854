// What a camera proves itself with: a chain out of its identity folder and the key that its keystore has to
// it.
#pragma once

#include <filesystem>

#include "camvault/crypto/engine.h"
#include "camvault/keystore/keystore.h"
#include "camvault/tls/credential.h"

namespace camvault::enrolment {

// `key`: its name in the keystore, of the purpose device identity. `chain_pem`: leaf first.
Result<std::shared_ptr<const tls::Credential>> device_credential(const crypto::Engine& engine,
                                                                 keystore::Keystore& keystore,
                                                                 const std::string& key,
                                                                 const std::string& chain_pem);
// The identity of the camera's maker (IDevID). Errc::not_found if it has none.
Result<std::shared_ptr<const tls::Credential>> factory_credential(const crypto::Engine& engine,
                                                                  keystore::Keystore& keystore,
                                                                  const std::filesystem::path& folder);

}  // namespace camvault::enrolment

// Where the key comes from that signs: keystored, or (labelled for tests) a file. For programs and plugins
// that take it as options.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "camvault/crypto/key.h"
#include "camvault/keystore/key_policy.h"

namespace camvault::key_source {

struct KeySource {
  std::filesystem::path root = "/";
  std::filesystem::path socket;  // empty: <root>/run/camvault/keystored.sock
  std::string key = "camera/media-signing";
  keystore::Purpose purpose = keystore::Purpose::media_signing;
  std::filesystem::path key_file;  // PEM, not encrypted; empty: keystored
  std::filesystem::path chain;     // empty: <root>/var/lib/camvault/identity/media-signing-chain.pem
};

struct SigningIdentity {
  std::shared_ptr<crypto::SigningKey> key;
  std::string chain_pem;
};

// Errors say what to start or create.
Result<SigningIdentity> open_identity(const KeySource& source);

}  // namespace camvault::key_source

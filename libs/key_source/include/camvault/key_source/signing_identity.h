// Where the key comes from that signs: keystored, or (labelled for tests) a file. For programs and plugins
// that take it as options.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "camvault/crypto/key.h"
#include "camvault/key_source/evidence.h"
#include "camvault/keystore/key_policy.h"

namespace camvault::key_source {

struct KeySource {
  std::filesystem::path root = "/";
  std::filesystem::path socket;  // empty: <root>/run/camvault/keystored.sock
  std::string key = "camera/media-signing";
  keystore::Purpose purpose = keystore::Purpose::media_signing;
  std::filesystem::path key_file;  // PEM, not encrypted; empty: keystored
  std::filesystem::path chain;     // empty: <root>/var/lib/camvault/identity/media-signing-chain.pem

  // Neither key nor chain was named: the camera's own, which may have been renewed.
  bool is_the_cameras() const;
};

// Evidence of where the key lives, the strongest first; waits for it.
using AttestKey = std::function<Result<std::vector<Evidence>>(BytesView nonce)>;

struct SigningIdentity {
  std::shared_ptr<crypto::SigningKey> key;
  std::string chain_pem;
  AttestKey attest;  // empty: the key is in a file, or nobody attests it
  std::string name;  // in the keystore; empty: the key is in a file
};

// Errors say what to start or create. A renewed key is in use (media_key.h) as long as SigningIdentity::key,
// or a copy of that pointer, lives.
Result<SigningIdentity> open_identity(const KeySource& source);

}  // namespace camvault::key_source

// Which certificates the camera can show to a network, best first: the owner's (LDevID), then the factory's
// (IDevID), which is there from the first start, once for each algorithm (IEEE 802.1AR; AX-2.1-2, AX-2.1-3).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "camvault/base/time.h"
#include "camvault/crypto/engine.h"
#include "camvault/keystore/keystore.h"

namespace camvault::network {

enum class IdentityKind {
  ldevid,  // admits to the production network
  idevid,  // admits to the provisioning network
};
std::string_view to_string(IdentityKind kind);  // "ldevid", "idevid"

struct Credential {
  IdentityKind kind = IdentityKind::idevid;
  std::string key;              // its name in the keystore: "camera/idevid"
  std::filesystem::path chain;  // PEM, leaf first
  crypto::KeyAlg algorithm = crypto::KeyAlg::ec_p256;
  std::string device_serial;
  Timestamp not_before;
  Timestamp not_after;
  std::string fingerprint;  // SHA-256 of the leaf, hex: tells a renewed one
};

struct Credentials {
  std::vector<Credential> usable;     // in the order in which they are tried
  std::vector<std::string> left_out;  // why others are not: a sentence each
};

// Looks into the identity folder and asks the keystore whether it has the keys. A chain that is not there is
// not mentioned. Never fails: a camera with a broken LDevID still has its IDevID. An end of validity counts
// only if the clock is plausible (time_policy.h).
Credentials find_credentials(const std::filesystem::path& identity_folder, keystore::Keystore& keystore,
                             const crypto::Engine& engine, Timestamp now);

// Changes when any chain in the folder is replaced, appears or goes. To be compared, nothing else.
std::string chains_mark(const std::filesystem::path& identity_folder);

// The beginnings of validity, for judge_clock.
std::vector<Timestamp> beginnings(const Credentials& credentials);

}  // namespace camvault::network

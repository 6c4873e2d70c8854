// What a camera keeps about its identity in its owner's network (LDevID, IEEE 802.1AR): one file, replaced in
// one step, so that a power cut finds the old state or the new one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "camvault/base/result.h"

namespace camvault::enrolment {

inline constexpr std::string_view kStateFile = "ldevid.json";
// A copy of the active chain, for programs that take a file. The state file is what counts.
inline constexpr std::string_view kChainFile = "ldevid-chain.pem";
inline constexpr std::string_view kMediaStateFile =
    "media-signing.json";                                         // the same about the key that signs video
inline constexpr std::string_view kAnchorsFile = "owner-ca.pem";  // what the owner's server said to trust

struct KeyedChain {
  std::string key;        // in the keystore: "camera/ldevid-1"
  std::string chain_pem;  // leaf first
};

struct LocalIdentity {
  std::string server;           // that issued it: URL
  std::uint64_t keys_made = 0;  // number of the last key's name
  std::optional<KeyedChain> active;
  std::optional<KeyedChain> previous;  // kept until the active one has worked
  std::string pending_key;             // asked for, not answered; empty: none
  std::string anchors_pem;             // of the owner's CA
};

// An empty one without the file. Errc::malformed.
Result<LocalIdentity> read_local_identity(const std::filesystem::path& folder,
                                          std::string_view state_file = kStateFile);
// With the copies for other programs.
Status write_local_identity(const std::filesystem::path& folder, const LocalIdentity& identity);
// The state alone.
Status write_state(const std::filesystem::path& file, const LocalIdentity& identity);

}  // namespace camvault::enrolment

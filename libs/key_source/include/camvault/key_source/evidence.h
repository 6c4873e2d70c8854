// All that is known about a key: what its module says, and what keystored says (docs/formats/attestation.md).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "camvault/keystore/keystore.h"

namespace camvault::key_source {

struct Evidence {
  std::string kind;  // attestation::kTpm2, ...
  Bytes evidence;
};

// The module's word first, if it has one, with the certificates of `chain` (PEM, as camvault factory enroll
// writes it; may be missing), then keystored's by the key APPLICATION/attestation, if there is one. At least
// one, or Errc::not_found.
Result<std::vector<Evidence>> gather_evidence(keystore::Keystore& store, const keystore::KeyName& key,
                                              BytesView nonce, const std::filesystem::path& chain);

}  // namespace camvault::key_source

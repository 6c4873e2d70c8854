// The check of what modules sign themselves.
#pragma once

#include "camvault/attestation/check.h"

namespace camvault::attestation {

// The key of an attester; null if it cannot be read, or stands in other bytes than its one encoding: those who
// compare keys compare bytes, and evidence of a key about itself must not hide behind a second spelling.
std::shared_ptr<const crypto::PublicKey> attester_key(const crypto::Engine& engine, BytesView spki);

Finding check_module(const crypto::Engine& engine, const Check& check);

}  // namespace camvault::attestation

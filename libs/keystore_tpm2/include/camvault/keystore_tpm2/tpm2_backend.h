// Keys in a TPM 2.0 (TCG TPM 2.0 Library 1.38 and later), by tpm2-tss' ESYS, without a resource manager.
#pragma once

#include <memory>
#include <string>

#include "camvault/keystore_engine/backend.h"

namespace camvault::keystore_tpm2 {

struct Tpm2Options {
  std::string name = "tpm2";
  // "device:/dev/tpmrm0", "device:/dev/tpm0", or "swtpm:path=SOCKET" for a simulator.
  std::string tcti = "device:/dev/tpmrm0";
};

// Errc::usage for a TCTI of another form. Opens nothing.
Status check_options(const Tpm2Options& options);

// One thread of its own talks to the TPM, and opens it at the first call (or start()). What the backend holds
// in the TPM at once: a storage primary, one key and one more object for a moment, so that three transient
// slots do. Keys are children of that primary (owner hierarchy, which must have no password): their handles
// are blobs that only this TPM opens, and a random authorisation value. Every command that carries a secret,
// and every use of a key, goes through a session that is salted by the primary and bound to the key, with
// encrypted parameters.
//
// Keys are exempt from dictionary attack protection: their authorisation values cannot be guessed, and a
// lock-out that somebody else caused must not stop a camera. health() says when the TPM is in lock-out.
Result<std::shared_ptr<keystore_engine::Backend>> make_tpm2_backend(const Tpm2Options& options);

}  // namespace camvault::keystore_tpm2

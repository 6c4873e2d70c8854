// What proves that two keys are in one TPM 2.0: a value that only the TPM with a certain endorsement key
// opens, and only if it also holds the key with a certain name (TPM 2.0 Library, part 1, 24).
#pragma once

#include "camvault/base/bytes.h"
#include "camvault/base/secret.h"

namespace camvault::crypto_openssl {

struct TpmCredential {
  Bytes blob;    // TPM2B_ID_OBJECT, without its size
  Bytes secret;  // TPM2B_ENCRYPTED_SECRET, without its size
};

// TPM2_MakeCredential, without a TPM. `ek_spki`: SubjectPublicKeyInfo of an endorsement key as templates L-1
// (RSA-2048) and L-2 (P-256) of the EK Credential Profile make it: SHA-256, AES-128-CFB. Errc::unsupported
// for other keys. `name`: of the key to be proven, at most 66 bytes. `value`: 1 to 32 bytes.
Result<TpmCredential> make_tpm_credential(BytesView ek_spki, BytesView name, const Secret& value);

}  // namespace camvault::crypto_openssl

// What objects in the TPM are like, and their public halves as the platform writes them.
#pragma once

#include "camvault/crypto/key.h"
#include "camvault/keystore/key_type.h"
#include "esys.h"

namespace camvault::keystore_tpm2 {

TPM2_ECC_CURVE curve_of(keystore::KeyType type);  // TPM2_ECC_NONE for other types
TPM2_ALG_ID hash_of(crypto::HashAlg hash);
TPMT_PUBLIC_PARMS test_parameters(keystore::KeyType rsa_type);

// A restricted decryption key (P-256, AES-128-CFB) of the owner hierarchy: the same one at each start.
TPM2B_PUBLIC storage_template();
// A key of ours. `made_inside`: it never leaves this TPM and was made there; false for one that is put in.
TPM2B_PUBLIC key_template(keystore::KeyType type, bool made_inside);
// The attestation key: P-256, restricted, so that it signs nothing but what the TPM itself states.
TPM2B_PUBLIC attester_template();
// The endorsement key, templates L-1 (RSA-2048) and L-2 (P-256) of TCG's EK Credential Profile, B.3.
TPM2B_PUBLIC endorsement_template(keystore::KeyType type);
// Data that TPM2_Unseal gives back when the policy is satisfied.
TPM2B_PUBLIC sealed_template(const TPM2B_DIGEST& policy);

// SubjectPublicKeyInfo; empty for HMAC keys. Errc::malformed if the TPM's answer is of another type or size.
Result<Bytes> spki_of(keystore::KeyType type, const TPM2B_PUBLIC& public_area);
// Errc::malformed if it is no signature of that type and scheme.
Result<Bytes> signature_of(keystore::KeyType type, crypto::SignatureScheme scheme,
                           const TPMT_SIGNATURE& signature);

}  // namespace camvault::keystore_tpm2

// The TPM's own word about its keys, and the proof that its attestation key is its own.
#pragma once

#include "tpm.h"

namespace camvault::keystore_tpm2 {

// TPM2_Certify by the attestation key: attestation::ModuleEvidence, encoded.
Result<Bytes> certify(Tpm& tpm, const Blob& key, BytesView nonce);
// attestation::AttesterDescription, encoded, with the EK's certificate if the TPM has one in its NV memory.
Result<Bytes> describe_attester(Tpm& tpm, bool simulator);
// TPM2_ActivateCredential of an attestation::Credential, encoded. Errc::invalid if it is for another EK or
// AK.
Result<Secret> activate(Tpm& tpm, BytesView credential);

}  // namespace camvault::keystore_tpm2

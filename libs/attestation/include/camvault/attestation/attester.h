// A module's attestation key as the module describes it, and the challenge that proves where it lives: what a
// factory needs before it gives that key a certificate. docs/formats/attestation.md.
#pragma once

#include <string>
#include <vector>

#include "camvault/attestation/module_evidence.h"

namespace camvault::attestation {

struct AttesterDescription {
  std::string kind;                 // kTpm2 or kSe05x
  Bytes spki;                       // of the attestation key
  Bytes area;                       // tpm2: its TPMT_PUBLIC. se05x: empty
  Bytes endorsement_spki;           // tpm2: of the endorsement key (EK). se05x: empty
  std::vector<Bytes> certificates;  // tpm2: of the EK. se05x: of the attestation key. DER, may be empty
  bool simulator = false;           // as the device says
};
Result<Bytes> encode_attester(const AttesterDescription& description);
Result<AttesterDescription> decode_attester(BytesView bytes);

// Is this a TPM's attestation key: made inside, for good, and signing nothing but what the TPM itself states?
// Errc::invalid if not. Its name (part 1, 16) is what a credential is made for.
Result<Bytes> check_attester_area(const AttesterDescription& description,
                                  const std::function<crypto::Digest(BytesView)>& sha256);

// A credential that only the TPM with that EK opens, and only if it has that attestation key (part 1, 24).
struct Credential {
  Bytes blob;    // TPM2B_ID_OBJECT without its size
  Bytes secret;  // TPM2B_ENCRYPTED_SECRET without its size
};
Result<Bytes> encode_credential(const Credential& credential);
Result<Credential> decode_credential(BytesView bytes);

}  // namespace camvault::attestation

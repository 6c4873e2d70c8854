// How a factory gets to know the attestation key of a camera's module. Nobody else can say that such a key
// belongs to a certain TPM: the TPM proves it once, by opening what was made for its endorsement key (EK) and
// that attestation key (AK) together. An SE05x brings its maker's certificate for the key.
#pragma once

#include "camvault/attestation/attester.h"
#include "camvault/base/secret.h"
#include "camvault/crypto/engine.h"

namespace camvault::identity {

struct AttesterChallenge {
  Bytes nonce;       // for the module's evidence about one of its keys
  Bytes credential;  // attestation::Credential, encoded; empty: this kind of module needs none
  Secret expected;   // what only the right module makes of it
  bool simulator = false;
};
// Errc::invalid if the description is no attestation key's, or nobody of `module_anchors` (the roots of
// module makers) vouches for the module: "ak-without-ek-chain" stands in the reason for a TPM.
Result<AttesterChallenge> challenge_attester(const crypto::Engine& engine,
                                             const attestation::AttesterDescription& description,
                                             const std::vector<crypto::Certificate>& module_anchors,
                                             Timestamp now);

struct AttesterAnswer {
  Bytes evidence;  // attestation::ModuleEvidence for the nonce
  Bytes spki;      // of the key that it is about
  Secret opened;   // the credential's content
};
// Errc::invalid if the answer is not that of the module which was described.
Status check_attester_answer(const crypto::Engine& engine,
                             const attestation::AttesterDescription& description,
                             const AttesterChallenge& challenge, const AttesterAnswer& answer);

}  // namespace camvault::identity

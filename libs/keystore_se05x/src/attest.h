// The element's own word about its keys: attested reads by the key that its maker put in.
#pragma once

#include "camvault/crypto/engine.h"
#include "camvault/keystore_se05x/applet.h"

namespace camvault::keystore_se05x {

// attestation::ModuleEvidence, encoded, with the certificate that the element has for its attestation key.
Result<Bytes> attest(Applet& applet, const crypto::Engine& engine, ObjectId id, BytesView nonce);
// attestation::AttesterDescription, encoded.
Result<Bytes> describe_attester(Applet& applet);

}  // namespace camvault::keystore_se05x

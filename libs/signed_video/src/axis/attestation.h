// Axis' vendor attestation: a secure element says, under a certificate that leads to an Axis root, that the
// signing key lives in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "camvault/crypto/engine.h"
#include "sei_message.h"

namespace camvault::signed_video::axis {

// The key's attestation with its certificates, as read. Nothing of it holds before the chain does.
struct Attestation {
  std::vector<crypto::Certificate> chain;  // leaf first, without the root
  bool factory_provisioned = false;        // no statement: the leaf's key itself signs the video
  Bytes timestamp;                         // of the statement, 12 bytes
  Bytes signature;                         // DER ECDSA, by the leaf's key
};

// Errc::malformed for anything of another form than Axis' cameras write.
Result<Attestation> read_attestation(const crypto::Engine& engine, const AxisFields& fields);

// Does the statement speak about that key, and did the leaf's key sign it? Empty if so, else why not. The
// caller validates the chain.
std::string mismatch_of(const crypto::Engine& engine, const Attestation& attestation,
                        const crypto::PublicKey& key);

// The device's serial number as the leaf names it. To be believed only with a valid chain.
std::string serial_of(const Attestation& attestation);

}  // namespace camvault::signed_video::axis

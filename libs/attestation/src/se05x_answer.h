// The attested read of an SE05x (AN12413, 4.7.3): command and answer, read from foreign bytes.
#pragma once

#include "camvault/attestation/module_evidence.h"

namespace camvault::attestation {

struct Se05xAnswer {
  Bytes value;  // point or modulus; empty: the object may not be read
  Bytes freshness;
  std::uint8_t type = 0;
  KeyOrigin origin = KeyOrigin::imported;
  bool leaves = false;  // some rule of its policy lets it be written, made anew or exported
};
Result<Se05xAnswer> read_se05x_answer(const ModuleEvidence& evidence);
// What its signature covers: applets 7.x, the command's hash and the answer's fields; 3.x, the fields'
// values.
Result<Bytes> se05x_signed_bytes(const ModuleEvidence& evidence,
                                 const std::function<crypto::Digest(BytesView)>& sha256);
Result<Bytes> se05x_spki(const Se05xAnswer& answer, crypto::KeyAlg alg);

}  // namespace camvault::attestation

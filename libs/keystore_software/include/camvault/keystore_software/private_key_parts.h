// A private key taken apart, for backends whose modules want numbers. Only for putting a key in: nothing here
// is ever written or sent.
#pragma once

#include "camvault/base/secret.h"
#include "camvault/keystore/key_type.h"

namespace camvault::keystore_software {

// All numbers big endian. What the type does not have is empty.
struct PrivateKeyParts {
  Bytes spki;
  Bytes point;    // EC: 04 || X || Y; Ed25519: 32 bytes
  Secret scalar;  // EC: as long as a coordinate; Ed25519: the 32 bytes of the seed
  Bytes modulus;
  Bytes public_exponent;
  Secret private_exponent;
  Secret prime1;
  Secret prime2;
  Secret exponent1;
  Secret exponent2;
  Secret coefficient;
};

// `der`: as Keystore::import_key takes it; checked as there. Errc::invalid if it is no key of that type.
Result<PrivateKeyParts> take_apart(keystore::KeyType type, BytesView der);

}  // namespace camvault::keystore_software

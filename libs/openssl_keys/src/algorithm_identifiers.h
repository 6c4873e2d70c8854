// AlgorithmIdentifier, DER, of a signature: what stands in certificate requests and CMS beside it.
#pragma once

#include "camvault/crypto/key.h"

namespace camvault::openssl_keys {

// RFC 5758 3.2, RFC 8017 A.2.4 and A.2.3 (MGF1 with the same hash, salt as long as it), RFC 8410 3.
Bytes algorithm_identifier(crypto::SignatureScheme scheme, crypto::HashAlg hash);

}  // namespace camvault::openssl_keys

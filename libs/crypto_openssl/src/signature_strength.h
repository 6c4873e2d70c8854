// Is a signature's algorithm one that nobody can forge today?
#pragma once

#include "ossl.h"

namespace camvault::crypto_openssl {

// SHA-2 with RSA (PKCS#1 v1.5 or PSS) or ECDSA, or Ed25519; NIST SP 800-57 part 1: 112 bits and more.
bool is_strong_signature(const X509_ALGOR* algorithm);
bool is_strong_certificate_signature(const X509* certificate);
// SHA-256, SHA-384 or SHA-512.
bool is_strong_hash(const X509_ALGOR* algorithm);

}  // namespace camvault::crypto_openssl

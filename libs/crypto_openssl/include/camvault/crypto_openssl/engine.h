// crypto::Engine over OpenSSL 3.0 EVP.
#pragma once

#include <memory>

#include "camvault/crypto/engine.h"

namespace camvault::crypto_openssl {

// Immutable and free of locks: create one and share it between threads. It must outlive the hashers it made;
// public keys and certificates live on their own. Fetches its algorithms once; aborts if OpenSSL has no
// SHA-2.
//
// Limits on what others wrote: certificates up to 64 KiB, PEM texts up to 4 MiB, revocation lists up to 16
// MiB, OCSP responses up to 1 MiB, public keys EC P-256/384/521 (named curves), RSA of 2048 to 8192 bits
// (alg() tells the next of 2048, 3072, 4096) and Ed25519; anything else is Errc::unsupported. RSA-PSS is
// verified with any salt length, MGF1 over the same hash or over SHA-256 (signers in the field use the latter
// with every hash).
//
// validate_path: paths of at most 8 certificates; keys and signatures below 112 bits of strength (RSA under
// 2048, SHA-1) are not permitted; every certificate, the anchor too, must be valid at the time asked. A
// certificate listed as revoked for a key compromise is revoked at any time, for another reason from its
// revocation date on. OCSP responses count the same way when the certificate's issuer signed them, or a
// responder that this issuer named (RFC 6960 4.2.2.2), with at least 112 bits of strength; a response about
// the time asked, or from after it, shows that a certificate was not revoked. Without a list of the issuer or
// such a response a certificate counts as not revoked, and `revocation_checked` stays false.
std::unique_ptr<crypto::Engine> make_openssl_engine();

}  // namespace camvault::crypto_openssl

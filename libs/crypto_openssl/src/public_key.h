// Public keys of the kinds we know, and signatures checked with them.
#pragma once

#include "camvault/crypto/key.h"
#include "ossl.h"

namespace camvault::crypto_openssl {

// What the key is in our words; Errc::unsupported for curves, sizes and kinds that we do not take.
Result<crypto::KeyAlg> key_alg_of(const EVP_PKEY* key);

// The point of a SubjectPublicKeyInfo that is written as P-256 keys are (RFC 5480 2: named curve,
// uncompressed), as a view of its bytes; empty for all others. Whether it lies on the curve is not checked.
BytesView p256_point(BytesView spki);

// `spki` or `encoded`: what the key was made from.
Result<std::shared_ptr<const crypto::PublicKey>> wrap_public_key(EvpKey key, BytesView spki);
Result<std::shared_ptr<const crypto::PublicKey>> wrap_public_key(EvpKey key, X509_PUBKEY* encoded);
Result<std::shared_ptr<const crypto::PublicKey>> public_key_from_spki(BytesView der);

// A key for OpenSSL from SubjectPublicKeyInfo; the whole input must be one. Kinds are not checked.
Result<EvpKey> evp_key_from_spki(BytesView der);

// Prepares padding, hash and salt of `context` (already initialised to sign or to verify) for the scheme.
// `mgf1` is for verifying other people's PSS; signing passes the hash itself.
bool set_scheme(EVP_PKEY_CTX* context, crypto::SignatureScheme scheme, crypto::HashAlg hash,
                crypto::HashAlg mgf1, int pss_salt_length);

}  // namespace camvault::crypto_openssl

// Reading the little DER that programs meet who use keys without a library of cryptography: public keys and
// certificates that they show, signatures and DigestInfo that they turn from one form into another. Foreign
// bytes: shortest lengths only (X.690 10.1), and every end is checked.
#pragma once

#include "camvault/base/byte_reader.h"
#include "camvault/crypto/hash.h"
#include "camvault/crypto/key.h"

namespace camvault::crypto {

struct PublicNumbers {
  Bytes curve;    // the curve's object identifier, DER; empty for RSA
  Bytes point;    // 04 || X || Y, or the 32 bytes of Ed25519; empty for RSA
  Bytes modulus;  // big endian, no leading zeros; empty for others
  Bytes exponent;
};

// Of a SubjectPublicKeyInfo of that type. Errc::malformed for everything else.
Result<PublicNumbers> read_public_key(KeyAlg type, BytesView spki);

// Ecdsa-Sig-Value (RFC 3279 2.2.3) as two numbers of the curve's size, one after the other.
Result<Bytes> raw_signature(KeyAlg type, BytesView der);

struct HashedData {
  HashAlg hash;
  Digest digest;
};
// RFC 8017 9.2: DigestInfo with the NULL, and none of its other forms. Errc::unsupported for other hashes.
Result<HashedData> read_digest_info(BytesView der);

struct CertificateFields {
  BytesView serial;   // INTEGER, DER
  BytesView issuer;   // Name, DER
  BytesView subject;  // Name, DER
  BytesView spki;     // DER
};
// RFC 5280 4.1, as far as these fields: nobody trusts a certificate because it is shown. Views into `der`.
Result<CertificateFields> read_certificate(BytesView der);

}  // namespace camvault::crypto

// From the numbers that modules give - points, moduli, pairs of integers - to the forms of certificates and
// signatures. The numbers are foreign input: sizes and forms are checked, and nothing else is believed.
#pragma once

#include "camvault/base/bytes.h"
#include "camvault/crypto/key.h"

namespace camvault::crypto {

// Bytes of a coordinate of the curve: 32, 48 or 66; 0 for algorithms that have none.
std::size_t coordinate_size(KeyAlg alg);
// Bits of an RSA algorithm's modulus: 2048, 3072 or 4096; 0 for others.
std::size_t modulus_bits(KeyAlg alg);

// SubjectPublicKeyInfo, DER. `point` is 04 || X || Y (RFC 5480 2.2) or the 32 bytes of Ed25519 (RFC 8410).
// That it lies on the curve is not checked: whoever uses the key does. Errc::malformed for other sizes and
// forms.
Result<Bytes> spki_of_point(KeyAlg alg, BytesView point);
// RFC 3279 2.3.1. Leading zeros are allowed in both numbers; the modulus must have the algorithm's size and
// the exponent be odd, above 2^16 and below 2^64. Errc::malformed otherwise.
Result<Bytes> spki_of_rsa(KeyAlg alg, BytesView modulus, BytesView exponent);

// The point 04 || X || Y in such a SubjectPublicKeyInfo of an elliptic curve. Errc::malformed for everything
// that spki_of_point does not write.
Result<Bytes> point_of_spki(KeyAlg alg, BytesView spki);

// Two big-endian numbers as RFC 3279 2.2.3's ECDSA-Sig-Value; leading zeros may be left out. Errc::malformed
// if one is longer than the curve's numbers, or zero.
Result<Bytes> ecdsa_der_of_pair(KeyAlg alg, BytesView r, BytesView s);

}  // namespace camvault::crypto

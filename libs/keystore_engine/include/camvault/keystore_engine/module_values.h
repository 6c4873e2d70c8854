// From the numbers that modules give - points, moduli, pairs of integers - to the forms of the platform, and
// back. A module's answer is foreign input: sizes and forms are checked, and nothing else is believed.
#pragma once

#include "camvault/base/bytes.h"
#include "camvault/crypto/hash.h"
#include "camvault/keystore/key_type.h"

namespace camvault::keystore_engine {

// Bytes of a coordinate of the curve: 32, 48 or 66; 0 for types that have none.
std::size_t coordinate_size(keystore::KeyType type);
// Bits of an RSA type's modulus: 2048, 3072 or 4096; 0 for others.
std::size_t modulus_bits(keystore::KeyType type);

// SubjectPublicKeyInfo, DER. `point` is 04 || X || Y (RFC 5480 2.2) or the 32 bytes of Ed25519 (RFC 8410).
// That it lies on the curve is not checked: whoever uses the key does. Errc::malformed for other sizes and
// forms.
Result<Bytes> spki_of_point(keystore::KeyType type, BytesView point);
// RFC 3279 2.3.1. Leading zeros are allowed in both numbers; the modulus must have the type's size and the
// exponent be odd, above 2^16 and below 2^64. Errc::malformed otherwise.
Result<Bytes> spki_of_rsa(keystore::KeyType type, BytesView modulus, BytesView exponent);

// Two big-endian numbers of equal size, one after the other, as RFC 3279 2.2.3's ECDSA-Sig-Value. Modules may
// leave out zeros that both begin with (PKCS#11 mechanisms 2.40, 2.3.1). Errc::malformed if a number is
// longer than the curve's, or zero.
Result<Bytes> ecdsa_der_of_raw(keystore::KeyType type, BytesView r_and_s);

// The same with numbers that came apart, possibly with their leading zeros left out.
Result<Bytes> ecdsa_der_of_pair(keystore::KeyType type, BytesView r, BytesView s);

// RFC 8017 9.2, note 1: DigestInfo of a digest, DER: what PKCS#1 v1.5 pads.
Bytes digest_info(crypto::HashAlg hash, const crypto::Digest& digest);

}  // namespace camvault::keystore_engine

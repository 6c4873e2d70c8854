// Which mechanism (PKCS#11 2.40) makes, signs or seals with which type of key.
#pragma once

#include <vector>

#include "camvault/crypto/key.h"
#include "camvault/keystore/key_type.h"
#include "cryptoki.h"

namespace camvault::keystore_pkcs11 {

// The types for which the token has all that we use.
Result<std::vector<keystore::KeyType>> key_types_of(const CK_FUNCTION_LIST& library, CK_SLOT_ID slot);

CK_MECHANISM_TYPE generation_of(keystore::KeyType type);
CK_KEY_TYPE key_kind_of(keystore::KeyType type);
// CKA_EC_PARAMS: the curve's object identifier, DER; empty for types without a curve.
Bytes curve_parameters(keystore::KeyType type);
// For CKM_RSA_PKCS_PSS: MGF1 with the same hash and a salt as long as the digest.
CK_RSA_PKCS_PSS_PARAMS pss_parameters(crypto::HashAlg hash);

// SubjectPublicKeyInfo from CKA_EC_POINT, which is a DER octet string by the standard and the bare point in
// some tokens. Errc::malformed for everything else.
Result<Bytes> spki_of_attribute(keystore::KeyType type, BytesView ec_point);

}  // namespace camvault::keystore_pkcs11

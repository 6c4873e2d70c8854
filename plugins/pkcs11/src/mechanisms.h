// What the token can sign, and what a CK_MECHANISM of an application asks keystored for.
#pragma once

#include <span>
#include <variant>

#include "camvault/keystore/key_type.h"
#include "cryptoki.h"

namespace camvault::pkcs11_module {

struct Offered {
  CK_MECHANISM_TYPE type;
  CK_MECHANISM_INFO info;
};
std::span<const Offered> offered_mechanisms();

// What the application hands over to be signed.
enum class Input : std::uint8_t {
  digest,       // of `hash`, or, for ECDSA, of the hash whose size it has
  digest_info,  // RFC 8017 9.2: names its hash itself
  message,      // keystored hashes it
};

struct SignPlan {
  crypto::SignatureScheme scheme;
  Input input;
  crypto::HashAlg hash;  // not for ECDSA digests and DigestInfo, which say it themselves
};

// CKR_MECHANISM_INVALID for what we do not offer, CKR_MECHANISM_PARAM_INVALID for parameters that keystored
// does not sign with (PSS: MGF1 with the same hash, a salt as long as the digest), CKR_KEY_TYPE_INCONSISTENT
// if the key is of another type.
std::variant<SignPlan, CK_RV> plan_of(const CK_MECHANISM& mechanism, keystore::KeyType type);

// Bytes of a signature of such a key, as PKCS#11 has them.
std::size_t signature_size(keystore::KeyType type);

}  // namespace camvault::pkcs11_module

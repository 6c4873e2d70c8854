// Keys as objects of a token: made and put in so that they never come out, found again by their CKA_ID.
#pragma once

#include "camvault/keystore_software/private_key_parts.h"
#include "token.h"

namespace camvault::keystore_pkcs11 {

// CKA_ID of a key that we made: random, so that no two keystoreds on one token meet.
using ObjectId = Fixed<struct ObjectIdTag, 16>;

// The new key's public half; empty for a secret key. The private or secret key is CKA_SENSITIVE, not
// CKA_EXTRACTABLE, and was asked afterwards whether it is.
Result<Bytes> generate_object(Session& session, keystore::KeyType type, const ObjectId& id);
Status import_pair(Session& session, keystore::KeyType type, const ObjectId& id,
                   const keystore_software::PrivateKeyParts& key);
Status import_secret(Session& session, keystore::KeyType type, const ObjectId& id, BytesView key);

// Errc::invalid if the token does not hold it (any more).
Result<CK_OBJECT_HANDLE> find_object(Session& session, keystore::KeyType type, const ObjectId& id);
// ECDH with a point 04 || X || Y: the X coordinate. It is an object of this session for a moment, since that
// is the only way to have it.
Result<Secret> agree_with(Session& session, keystore::KeyType type, CK_OBJECT_HANDLE key, BytesView point);
Status destroy_object(Session& session, keystore::KeyType type, const ObjectId& id);

}  // namespace camvault::keystore_pkcs11

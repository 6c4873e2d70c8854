// What a certificate says in extensions that crypto::Certificate has no field for.
#pragma once

#include <optional>
#include <string_view>

#include "camvault/crypto/certificate.h"

namespace camvault::crypto_openssl {

// extnValue's content (RFC 5280 4.1), as it is; none without the extension.
std::optional<Bytes> extension_value(const crypto::Certificate& certificate, std::string_view oid);

// RFC 5280 4.2.1.12: is the usage named? Neither anyExtendedKeyUsage nor a missing extension counts.
bool lists_key_usage(const crypto::Certificate& certificate, std::string_view usage_oid);

// RFC 5280 4.2.1.2 and 4.2.1.1: key identifiers; empty if there are none.
Bytes subject_key_id(const crypto::Certificate& certificate);
Bytes authority_key_id(const crypto::Certificate& certificate);
// Whether the subject's one begins a digest of its key: at least 20 bytes of SHA-1 or SHA-2 of the key's bits
// (RFC 5280 4.2.1.2 method 1, RFC 7093 2) or of its SubjectPublicKeyInfo. Others are what whoever wrote the
// certificate likes.
bool key_id_is_of_key(const crypto::Certificate& certificate);

}  // namespace camvault::crypto_openssl

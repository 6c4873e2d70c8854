// What is made of passwords and codes, for who has one in hand. In cameras the keystore does this.
#pragma once

#include "camvault/base/secret.h"

namespace camvault::crypto_openssl {

// PBKDF2 with HMAC-SHA256 (RFC 8018 5.2). Errc::usage without a password or salt.
Result<Secret> pbkdf2_sha256(const Secret& password, BytesView salt, unsigned rounds, std::size_t size);
Result<Bytes> hmac_sha256(const Secret& key, BytesView message);  // RFC 2104, 32 bytes

}  // namespace camvault::crypto_openssl

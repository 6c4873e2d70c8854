// Keys that sign elsewhere, as EVP_PKEYs of this very process: no file, no URI, no configuration of OpenSSL.
#pragma once

#include <openssl/evp.h>

#include "camvault/base/owned.h"
#include "camvault/openssl_keys/key.h"

namespace camvault::openssl_keys {

// A context of our own, made once and never freed: OpenSSL's default provider, and ours behind it. What the
// machine's openssl.cnf says does not reach it.
OSSL_LIB_CTX* library_context();

using EvpKey = Owned<EVP_PKEY, EVP_PKEY_free>;
// Usable with everything of library_context(): OpenSSL sees the public half, `signer` makes each signature.
Result<EvpKey> evp_key(std::shared_ptr<crypto::SigningKey> signer);

}  // namespace camvault::openssl_keys

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
// Lets keys of ours be in another context than library_context().
Status join_context(OSSL_LIB_CTX* context);

// Usable with everything of that context: OpenSSL sees the public half, `signer` makes each signature.
Result<EvpKey> evp_key(std::shared_ptr<crypto::SigningKey> signer, OSSL_LIB_CTX* context = library_context());

}  // namespace camvault::openssl_keys

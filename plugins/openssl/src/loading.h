// How programs name a key: tables for OpenSSL.
#pragma once

#include <openssl/core.h>

namespace camvault::openssl_provider {

extern const OSSL_ALGORITHM kStores[];
extern const OSSL_ALGORITHM kDecoders[];

}  // namespace camvault::openssl_provider

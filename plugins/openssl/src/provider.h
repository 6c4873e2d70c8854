// What the parts of the provider share: the context that OpenSSL hands to each of them, and the tables of
// functions.
#pragma once

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include "camvault/base/owned.h"
#include "camvault/base/result.h"

namespace camvault::openssl_provider {

struct Provider {
  const OSSL_CORE_HANDLE* handle = nullptr;
  OSSL_LIB_CTX* context =
      nullptr;  // a child of the program's: digests come from there, from the default provider
  OSSL_FUNC_core_new_error_fn* new_error = nullptr;
  OSSL_FUNC_core_vset_error_fn* vset_error = nullptr;
};

// Puts the reason on OpenSSL's error queue, for the program to print. Returns 0, as OpenSSL's functions do
// then.
int raise(const Provider& provider, const Error& error);

// Function pointers of all kinds in one table, as OpenSSL has them (provider-base(7)).
using Function = void (*)();
template <class F>
OSSL_DISPATCH entry(int number, F* function) {
  return {number, reinterpret_cast<Function>(function)};
}

extern const OSSL_ALGORITHM kKeyManagement[];
extern const OSSL_ALGORITHM kSignatures[];
extern const OSSL_ALGORITHM kStores[];
extern const OSSL_ALGORITHM kDecoders[];

// What all algorithms are known as, e.g. in "?provider=camvault".
#define CAMVAULT_PROVIDER "provider=camvault"

}  // namespace camvault::openssl_provider

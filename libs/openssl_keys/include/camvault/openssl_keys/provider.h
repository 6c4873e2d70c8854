// What a provider of OpenSSL is made of whose keys sign elsewhere: its context, and tables of functions. For
// `plugins/openssl` (camvault.so, other people's programs) and in_process.h (our own).
#pragma once

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include "camvault/base/owned.h"
#include "camvault/base/result.h"

namespace camvault::openssl_keys {

// What the provider offers; null for what it does not.
struct Offer {
  const char* name = nullptr;
  const OSSL_ALGORITHM* key_management = nullptr;
  const OSSL_ALGORITHM* signatures = nullptr;
  const OSSL_ALGORITHM* stores = nullptr;
  const OSSL_ALGORITHM* decoders = nullptr;
};

struct Provider {
  const OSSL_CORE_HANDLE* handle = nullptr;
  OSSL_LIB_CTX* context =
      nullptr;  // a child of the program's: digests come from there, from the default provider
  OSSL_FUNC_core_new_error_fn* new_error = nullptr;
  OSSL_FUNC_core_vset_error_fn* vset_error = nullptr;
  const Offer* offer = nullptr;
};

// An OSSL_provider_init that offers `offer`, which must live for ever.
int init_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out,
                  void** context, const Offer& offer);

// Puts the reason on OpenSSL's error queue, for the program to print. Returns 0, as OpenSSL's functions do
// then.
int raise(const Provider& provider, const Error& error);

// Function pointers of all kinds in one table, as OpenSSL has them (provider-base(7)).
using Function = void (*)();
template <class F>
OSSL_DISPATCH entry(int number, F* function) {
  return {number, reinterpret_cast<Function>(function)};
}

extern const OSSL_ALGORITHM kKeyManagement[];           // keys come from a store or a decoder
extern const OSSL_ALGORITHM kKeyManagementInProcess[];  // and from in_process.h
extern const OSSL_ALGORITHM kSignatures[];

// What all algorithms are known as, e.g. in "?provider=camvault".
#define CAMVAULT_PROVIDER "provider=camvault"

// EVP_PKEY_fromdata's parameter of kKeyManagementInProcess: a pointer to a SharedKey, as octets.
inline constexpr const char* kKeyParameter = "camvault-key";

}  // namespace camvault::openssl_keys

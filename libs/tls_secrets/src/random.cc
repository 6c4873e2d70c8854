// CTR-DRBG by name, the keystore's random numbers in truth: client randoms, nonces, everything.
#include "provider.h"

namespace camvault::tls_secrets {

namespace {
void* new_random(void* provider, void* /*parent*/, const OSSL_DISPATCH* /*functions*/) {
  return provider;
}
void free_random(void* /*data*/) {}
int instantiate(void* /*data*/, unsigned int /*strength*/, int /*prediction*/, const unsigned char* /*text*/,
                std::size_t /*size*/, const OSSL_PARAM /*params*/[]) {
  return 1;
}
int uninstantiate(void* /*data*/) {
  return 1;
}
int generate(void* data, unsigned char* out, std::size_t size, unsigned int /*strength*/, int /*prediction*/,
             const unsigned char* /*additional*/, std::size_t /*additional_size*/) {
  return give(secrets_of(data).random(size), out, size);
}
int enable_locking(void* /*data*/) {
  return 1;
}
int lock(void* /*data*/) {
  return 1;
}
void unlock(void* /*data*/) {}
int get(void* /*data*/, OSSL_PARAM params[]) {
  auto* p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
  if (p != nullptr && OSSL_PARAM_set_int(p, 1) != 1) return 0;  // EVP_RAND_STATE_READY
  p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
  if (p != nullptr && OSSL_PARAM_set_uint(p, 256) != 1) return 0;
  p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);
  return p == nullptr ? 1 : OSSL_PARAM_set_size_t(p, keystore::kMaxRandom);
}

const OSSL_DISPATCH kRandom[] = {entry(OSSL_FUNC_RAND_NEWCTX, new_random),
                                 entry(OSSL_FUNC_RAND_FREECTX, free_random),
                                 entry(OSSL_FUNC_RAND_INSTANTIATE, instantiate),
                                 entry(OSSL_FUNC_RAND_UNINSTANTIATE, uninstantiate),
                                 entry(OSSL_FUNC_RAND_GENERATE, generate),
                                 entry(OSSL_FUNC_RAND_ENABLE_LOCKING, enable_locking),
                                 entry(OSSL_FUNC_RAND_LOCK, lock),
                                 entry(OSSL_FUNC_RAND_UNLOCK, unlock),
                                 entry(OSSL_FUNC_RAND_GET_CTX_PARAMS, get),
                                 {0, nullptr}};
}  // namespace

const OSSL_ALGORITHM kRandoms[] = {{"CTR-DRBG", CAMVAULT_TLS_PROVIDER, kRandom, nullptr},
                                   {nullptr, nullptr, nullptr, nullptr}};

}  // namespace camvault::tls_secrets

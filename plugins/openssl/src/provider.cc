// camvault.so as OpenSSL loads it.
#include "camvault/openssl_keys/provider.h"

#include "loading.h"

namespace camvault::openssl_provider {

namespace {
constexpr openssl_keys::Offer kOffer{"Camvault keystore", openssl_keys::kKeyManagement,
                                     openssl_keys::kSignatures, kStores, kDecoders};
}  // namespace

}  // namespace camvault::openssl_provider

extern "C" __attribute__((visibility("default"))) int OSSL_provider_init(const OSSL_CORE_HANDLE* handle,
                                                                         const OSSL_DISPATCH* in,
                                                                         const OSSL_DISPATCH** out,
                                                                         void** context) {
  return camvault::openssl_keys::init_provider(handle, in, out, context, camvault::openssl_provider::kOffer);
}

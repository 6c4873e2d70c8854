// A provider as OpenSSL loads it. provider(7), provider-base(7).
#include "camvault/openssl_keys/provider.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <cstdarg>
#include <new>

namespace camvault::openssl_keys {

namespace {
// OpenSSL takes a list of arguments and nothing simpler.
// NOLINTNEXTLINE(cert-dcl50-cpp)
void set_error(const Provider& provider, std::uint32_t reason, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  provider.vset_error(provider.handle, reason, format, arguments);
  va_end(arguments);
}

void tear_down(void* data) {
  auto* provider = static_cast<Provider*>(data);
  OSSL_LIB_CTX_free(provider->context);
  delete provider;
}

const OSSL_PARAM* gettable_params(void* data) {
  static_cast<void>(data);
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, nullptr, 0),
                                       OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, nullptr, 0),
                                       OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, nullptr), OSSL_PARAM_END};
  return kParams;
}

int get_params(void* data, OSSL_PARAM params[]) {
  auto* name = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME);
  if (name != nullptr && OSSL_PARAM_set_utf8_ptr(name, static_cast<const Provider*>(data)->offer->name) != 1)
    return 0;
  auto* version = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_VERSION);
  if (version != nullptr && OSSL_PARAM_set_utf8_ptr(version, CAMVAULT_VERSION) != 1) return 0;
  auto* status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
  return status == nullptr ? 1 : OSSL_PARAM_set_int(status, 1);
}

const OSSL_ALGORITHM* query(void* data, int operation, int* no_cache) {
  const auto& offer = *static_cast<const Provider*>(data)->offer;
  *no_cache = 0;
  switch (operation) {
    case OSSL_OP_KEYMGMT:
      return offer.key_management;
    case OSSL_OP_SIGNATURE:
      return offer.signatures;
    case OSSL_OP_STORE:
      return offer.stores;
    case OSSL_OP_DECODER:
      return offer.decoders;
    default:
      return nullptr;
  }
}

const OSSL_DISPATCH kProvider[] = {entry(OSSL_FUNC_PROVIDER_TEARDOWN, tear_down),
                                   entry(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, gettable_params),
                                   entry(OSSL_FUNC_PROVIDER_GET_PARAMS, get_params),
                                   entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
                                   {0, nullptr}};
}  // namespace

int raise(const Provider& provider, const Error& error) {
  if (provider.new_error != nullptr && provider.vset_error != nullptr) {
    provider.new_error(provider.handle);
    set_error(provider, 1 + static_cast<std::uint32_t>(error.code), "%s", error.what.c_str());
  }
  return 0;
}

int init_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out,
                  void** context, const Offer& offer) {
  auto* provider = new (std::nothrow) Provider;
  if (provider == nullptr) return 0;
  provider->handle = handle;
  provider->offer = &offer;
  for (const auto* function = in; function->function_id != 0; ++function) {
    if (function->function_id == OSSL_FUNC_CORE_NEW_ERROR)
      provider->new_error = OSSL_FUNC_core_new_error(function);
    if (function->function_id == OSSL_FUNC_CORE_VSET_ERROR)
      provider->vset_error = OSSL_FUNC_core_vset_error(function);
  }
  provider->context = OSSL_LIB_CTX_new_child(handle, in);
  if (provider->context == nullptr) {
    delete provider;
    return 0;
  }
  *out = kProvider;
  *context = provider;
  return 1;
}

}  // namespace camvault::openssl_keys

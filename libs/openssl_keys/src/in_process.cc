#include "camvault/openssl_keys/in_process.h"

#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "camvault/openssl_keys/provider.h"

namespace camvault::openssl_keys {

namespace {
constexpr const char* kName = "camvault-keys";
constexpr Offer kOffer{"Camvault keys", kKeyManagementInProcess, kSignatures, nullptr, nullptr};

int init(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out, void** context) {
  return init_provider(handle, in, out, context, kOffer);
}

OSSL_LIB_CTX* make_context() {
  auto* context = OSSL_LIB_CTX_new();
  // The default provider first: of what both have, fetches without a wish get the first one's.
  const bool loaded =
      context != nullptr && OSSL_PROVIDER_load(context, "default") != nullptr && join_context(context);
  return loaded ? context : nullptr;
}
}  // namespace

Status join_context(OSSL_LIB_CTX* context) {
  const bool loaded =
      OSSL_PROVIDER_add_builtin(context, kName, init) == 1 && OSSL_PROVIDER_load(context, kName) != nullptr;
  ERR_clear_error();
  if (!loaded) return fail(Errc::internal, "OpenSSL does not take our provider");
  return ok();
}

OSSL_LIB_CTX* library_context() {
  static OSSL_LIB_CTX* const context = make_context();
  return context;
}

Result<EvpKey> evp_key(std::shared_ptr<crypto::SigningKey> signer, OSSL_LIB_CTX* library) {
  if (library == nullptr) return fail(Errc::internal, "OpenSSL does not take our provider");
  CAM_TRY(auto key, make_key(std::move(signer)));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_name(library, type_name(key->alg), CAMVAULT_PROVIDER));
  const auto* reference = &key;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(kKeyParameter, &reference, sizeof reference),
                         OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  const bool good = context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params) == 1;
  EvpKey out(made);
  ERR_clear_error();
  if (!good || out == nullptr) return fail(Errc::internal, "OpenSSL does not take the key");
  return out;
}

}  // namespace camvault::openssl_keys

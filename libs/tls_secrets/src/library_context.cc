#include "camvault/tls_secrets/library_context.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include <map>
#include <mutex>

#include "provider.h"

namespace camvault::tls_secrets {

namespace {
constexpr const char* kName = "camvault-tls";

// OpenSSL gives a provider's entry nothing of ours: it finds its keystore by the library context that loads
// it.
class Registry {
 public:
  void add(const void* context, TlsSecrets* secrets) {
    const std::lock_guard lock(mutex_);
    entries_[context] = secrets;
  }
  void remove(const void* context) {
    const std::lock_guard lock(mutex_);
    entries_.erase(context);
  }
  TlsSecrets* find(const void* context) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(context);
    return found == entries_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<const void*, TlsSecrets*> entries_;
};
Registry& registry() {
  static Registry instance;
  return instance;
}

const OSSL_ALGORITHM* query(void* /*provider*/, int operation, int* no_cache) {
  *no_cache = 0;
  switch (operation) {
    case OSSL_OP_KDF:
      return kKeyDerivations;
    case OSSL_OP_MAC:
      return kMacs;
    case OSSL_OP_KEYMGMT:
      return kKeyManagement;
    case OSSL_OP_KEYEXCH:
      return kExchanges;
    case OSSL_OP_RAND:
      return kRandoms;
    default:
      return nullptr;
  }
}

int capabilities(void* /*provider*/, const char* capability, OSSL_CALLBACK* take, void* argument) {
  return std::strcmp(capability, "TLS-GROUP") == 0 ? announce_groups(take, argument) : 1;
}

int init(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out, void** context) {
  static const OSSL_DISPATCH kProvider[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
                                            entry(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, capabilities),
                                            {0, nullptr}};
  OSSL_FUNC_core_get_libctx_fn* library_of = nullptr;
  for (; in->function_id != 0; ++in) {
    if (in->function_id == OSSL_FUNC_CORE_GET_LIBCTX) library_of = OSSL_FUNC_core_get_libctx(in);
  }
  auto* secrets = library_of == nullptr ? nullptr : registry().find(library_of(handle));
  *out = kProvider;
  *context = secrets;
  return secrets != nullptr ? 1 : 0;
}
}  // namespace

std::optional<crypto::HashAlg> hash_named(const OSSL_PARAM& p) {
  if (p.data_type != OSSL_PARAM_UTF8_STRING || p.data == nullptr) return std::nullopt;
  const std::string_view text(static_cast<const char*>(p.data));
  if (text == "SHA256" || text == "SHA2-256" || text == "SHA-256") return crypto::HashAlg::sha256;
  if (text == "SHA384" || text == "SHA2-384" || text == "SHA-384") return crypto::HashAlg::sha384;
  if (text == "SHA512" || text == "SHA2-512" || text == "SHA-512") return crypto::HashAlg::sha512;
  return std::nullopt;
}

int give(Result<Bytes> from, unsigned char* to, std::size_t room) {
  if (!from) return 0;
  const bool fits = from->size() <= room;
  if (fits) std::copy(from->begin(), from->end(), to);
  wipe(from->data(), from->size());
  return fits ? 1 : 0;
}

Result<std::shared_ptr<const LibraryContext>> LibraryContext::create(std::shared_ptr<TlsSecrets> secrets) {
  if (secrets == nullptr) return fail(Errc::usage, "no keystore for the secrets");
  auto* raw = OSSL_LIB_CTX_new();
  if (raw == nullptr) return fail(Errc::internal, "OpenSSL makes no library context");
  registry().add(raw, secrets.get());
  std::shared_ptr<const LibraryContext> context(new LibraryContext(raw, std::move(secrets)));
  // Ours first: of two providers with the same TLS group, libssl takes the one that was there before.
  const bool good = OSSL_PROVIDER_add_builtin(raw, kName, init) == 1 &&
                    OSSL_PROVIDER_load(raw, kName) != nullptr &&
                    OSSL_PROVIDER_load(raw, "default") != nullptr &&
                    RAND_set_DRBG_type(raw, "CTR-DRBG", CAMVAULT_TLS_PROVIDER, nullptr, nullptr) == 1;
  ERR_clear_error();
  if (!good) return fail(Errc::internal, "OpenSSL does not take the provider of TLS secrets");
  return context;
}

LibraryContext::~LibraryContext() {
  OSSL_LIB_CTX_free(context_);
  registry().remove(context_);
}

}  // namespace camvault::tls_secrets

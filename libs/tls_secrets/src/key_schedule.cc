// TLS1-PRF (RFC 5246 5), TLS13-KDF (RFC 8446 7.1) and HMAC (Finished and binders), as libssl calls them.
#include <openssl/kdf.h>

#include <string_view>

#include "provider.h"

namespace camvault::tls_secrets {

namespace {
using keystore::TlsDerivation;
using keystore::TlsStep;

struct Kdf {
  TlsSecrets* secrets = nullptr;
  bool tls13 = false;
  std::optional<crypto::HashAlg> hash = {};
  int mode = -1;
  Bytes key = {};
  Bytes salt = {};
  Bytes prefix = {};
  Bytes label = {};
  Bytes data = {};
  Bytes seed = {};
};

void* new_prf(void* provider) {
  return new Kdf{.secrets = &secrets_of(provider), .tls13 = false};
}
void* new_tls13(void* provider) {
  return new Kdf{.secrets = &secrets_of(provider), .tls13 = true};
}
void free_kdf(void* data) {
  delete static_cast<Kdf*>(data);
}
void reset_kdf(void* data) {
  auto& kdf = *static_cast<Kdf*>(data);
  kdf = Kdf{.secrets = kdf.secrets, .tls13 = kdf.tls13};
}

int set_kdf(void* data, const OSSL_PARAM params[]) {
  auto& kdf = *static_cast<Kdf*>(data);
  for (const auto* p = params; p != nullptr && p->key != nullptr; ++p) {
    const std::string_view key(p->key);
    if (key == OSSL_KDF_PARAM_DIGEST) kdf.hash = hash_named(*p);
    if (key == OSSL_KDF_PARAM_MODE && OSSL_PARAM_get_int(p, &kdf.mode) != 1) return 0;
    if (key == OSSL_KDF_PARAM_KEY || key == OSSL_KDF_PARAM_SECRET) kdf.key = octets(*p);
    if (key == OSSL_KDF_PARAM_SALT) kdf.salt = octets(*p);
    if (key == OSSL_KDF_PARAM_PREFIX) kdf.prefix = octets(*p);
    if (key == OSSL_KDF_PARAM_LABEL) kdf.label = octets(*p);
    if (key == OSSL_KDF_PARAM_DATA) kdf.data = octets(*p);
    if (key == OSSL_KDF_PARAM_SEED) append(kdf.seed, octets(*p));  // label and randoms come one by one
  }
  return 1;
}

int derive(void* data, unsigned char* out, std::size_t size, const OSSL_PARAM params[]) {
  if (set_kdf(data, params) != 1) return 0;
  const auto& kdf = *static_cast<Kdf*>(data);
  if (!kdf.hash) return 0;
  TlsDerivation what{.hash = *kdf.hash, .secret = kdf.key};
  if (!kdf.tls13) {
    what.step = TlsStep::prf_1_2;
    what.data = kdf.seed;
    what.size = static_cast<std::uint32_t>(size);
  } else if (kdf.prefix != to_bytes(as_bytes("tls13 "))) {
    return 0;
  } else if (kdf.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) {
    what.step = TlsStep::extract_1_3;
    what.before = kdf.salt;
    if (size != crypto::digest_size(*kdf.hash)) return 0;
  } else if (kdf.mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY) {
    what.step = TlsStep::expand_1_3;
    what.label = kdf.label;
    what.data = kdf.data;
    what.size = static_cast<std::uint32_t>(size);
  } else {
    return 0;
  }
  return give(kdf.secrets->derive(what), out, size);
}

struct Mac {
  TlsSecrets* secrets = nullptr;
  std::optional<crypto::HashAlg> hash = {};
  Bytes key = {};
  Bytes message = {};
};
void* new_mac(void* provider) {
  return new Mac{.secrets = &secrets_of(provider)};
}
void free_mac(void* data) {
  delete static_cast<Mac*>(data);
}
void* duplicate_mac(void* data) {
  return new Mac(*static_cast<Mac*>(data));
}
int set_mac(void* data, const OSSL_PARAM params[]) {
  auto& mac = *static_cast<Mac*>(data);
  for (const auto* p = params; p != nullptr && p->key != nullptr; ++p) {
    if (std::strcmp(p->key, OSSL_MAC_PARAM_DIGEST) == 0) mac.hash = hash_named(*p);
    if (std::strcmp(p->key, OSSL_MAC_PARAM_KEY) == 0) mac.key = octets(*p);
  }
  return 1;
}
const OSSL_PARAM* settable_mac(void* /*data*/, void* /*provider*/) {
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, nullptr, 0),
                                       OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, nullptr, 0),
                                       OSSL_PARAM_END};
  return kParams;
}
int get_mac(void* data, OSSL_PARAM params[]) {
  const auto& mac = *static_cast<Mac*>(data);
  auto* p = OSSL_PARAM_locate(params, OSSL_MAC_PARAM_SIZE);
  if (p == nullptr) return 1;
  return mac.hash ? OSSL_PARAM_set_size_t(p, crypto::digest_size(*mac.hash)) : 0;
}
int init_mac(void* data, const unsigned char* key, std::size_t size, const OSSL_PARAM params[]) {
  auto& mac = *static_cast<Mac*>(data);
  if (set_mac(data, params) != 1) return 0;
  if (key != nullptr) mac.key.assign(key, key + size);
  mac.message.clear();
  return 1;
}
int update_mac(void* data, const unsigned char* part, std::size_t size) {
  auto& mac = *static_cast<Mac*>(data);
  if (mac.message.size() + size > keystore::kMaxTlsContext) return 0;
  append(mac.message, BytesView(part, size));
  return 1;
}
int final_mac(void* data, unsigned char* out, std::size_t* size, std::size_t room) {
  const auto& mac = *static_cast<Mac*>(data);
  if (!mac.hash) return 0;
  *size = crypto::digest_size(*mac.hash);
  return give(mac.secrets->derive(
                  {.step = TlsStep::mac_1_3, .hash = *mac.hash, .secret = mac.key, .data = mac.message}),
              out, room);
}

const OSSL_DISPATCH kPrf[] = {
    entry(OSSL_FUNC_KDF_NEWCTX, new_prf),         entry(OSSL_FUNC_KDF_FREECTX, free_kdf),
    entry(OSSL_FUNC_KDF_RESET, reset_kdf),        entry(OSSL_FUNC_KDF_DERIVE, derive),
    entry(OSSL_FUNC_KDF_SET_CTX_PARAMS, set_kdf), {0, nullptr}};
const OSSL_DISPATCH kTls13[] = {
    entry(OSSL_FUNC_KDF_NEWCTX, new_tls13),       entry(OSSL_FUNC_KDF_FREECTX, free_kdf),
    entry(OSSL_FUNC_KDF_RESET, reset_kdf),        entry(OSSL_FUNC_KDF_DERIVE, derive),
    entry(OSSL_FUNC_KDF_SET_CTX_PARAMS, set_kdf), {0, nullptr}};
const OSSL_DISPATCH kHmac[] = {
    entry(OSSL_FUNC_MAC_NEWCTX, new_mac),         entry(OSSL_FUNC_MAC_FREECTX, free_mac),
    entry(OSSL_FUNC_MAC_DUPCTX, duplicate_mac),   entry(OSSL_FUNC_MAC_INIT, init_mac),
    entry(OSSL_FUNC_MAC_UPDATE, update_mac),      entry(OSSL_FUNC_MAC_FINAL, final_mac),
    entry(OSSL_FUNC_MAC_SET_CTX_PARAMS, set_mac), entry(OSSL_FUNC_MAC_SETTABLE_CTX_PARAMS, settable_mac),
    entry(OSSL_FUNC_MAC_GET_CTX_PARAMS, get_mac), {0, nullptr}};
}  // namespace

const OSSL_ALGORITHM kKeyDerivations[] = {{"TLS1-PRF", CAMVAULT_TLS_PROVIDER, kPrf, nullptr},
                                          {"TLS13-KDF", CAMVAULT_TLS_PROVIDER, kTls13, nullptr},
                                          {nullptr, nullptr, nullptr, nullptr}};
const OSSL_ALGORITHM kMacs[] = {{"HMAC", CAMVAULT_TLS_PROVIDER, kHmac, nullptr},
                                {nullptr, nullptr, nullptr, nullptr}};

}  // namespace camvault::tls_secrets

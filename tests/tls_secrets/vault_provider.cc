// The provider "vault": OpenSSL's key schedule, with the work done elsewhere.
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/tls1.h>

#include <cstring>
#include <string_view>

#include "camvault/base/byte_writer.h"
#include "vault.h"

namespace camvault::tls_secrets {

namespace {
using Function = void (*)();
template <class F>
OSSL_DISPATCH entry(int number, F* function) {
  return {number, reinterpret_cast<Function>(function)};
}

Bytes number(std::size_t value) {
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(value));
  return out.take();
}
Bytes octets(const OSSL_PARAM& p) {
  const auto* data = static_cast<const std::uint8_t*>(p.data);
  return data == nullptr ? Bytes{} : Bytes(data, data + p.data_size);
}
int give(const Bytes& from, unsigned char* to, std::size_t room) {
  if (from.size() > room) return 0;
  std::copy(from.begin(), from.end(), to);
  return 1;
}

// --- TLS1-PRF (RFC 5246 5) and TLS13-KDF (RFC 8446 7.1) ---

struct Kdf {
  std::string name;
  std::string digest;
  std::uint8_t mode = 0;
  Bytes key, salt, prefix, label, data, seed;
};

void* new_prf(void* /*provider*/) {
  return new Kdf{"TLS1-PRF", {}, 0, {}, {}, {}, {}, {}, {}};
}
void* new_tls13(void* /*provider*/) {
  return new Kdf{"TLS13-KDF", {}, 0, {}, {}, {}, {}, {}, {}};
}
void free_kdf(void* data) {
  delete static_cast<Kdf*>(data);
}

int set_kdf(void* data, const OSSL_PARAM params[]) {
  auto& kdf = *static_cast<Kdf*>(data);
  for (const auto* p = params; p != nullptr && p->key != nullptr; ++p) {
    const std::string_view key(p->key);
    if (key == OSSL_KDF_PARAM_DIGEST) kdf.digest = static_cast<const char*>(p->data);
    if (key == OSSL_KDF_PARAM_MODE) {
      int mode = 0;
      OSSL_PARAM_get_int(p, &mode);
      kdf.mode = static_cast<std::uint8_t>(mode);
    }
    if (key == OSSL_KDF_PARAM_KEY || key == OSSL_KDF_PARAM_SECRET) kdf.key = octets(*p);
    if (key == OSSL_KDF_PARAM_SALT) kdf.salt = octets(*p);
    if (key == OSSL_KDF_PARAM_PREFIX) kdf.prefix = octets(*p);
    if (key == OSSL_KDF_PARAM_LABEL) kdf.label = octets(*p);
    if (key == OSSL_KDF_PARAM_DATA) kdf.data = octets(*p);
    if (key == OSSL_KDF_PARAM_SEED) append(kdf.seed, octets(*p));
  }
  return 1;
}

// What comes out as a secret stays inside: everything but the keys and IVs of the record layer, what both
// sides show each other, and what is exported to the application.
bool stays_inside(const Kdf& kdf) {
  if (kdf.name == "TLS1-PRF") {
    const auto seed = as_text(kdf.seed);
    return seed.starts_with("master secret") || seed.starts_with("extended master secret");
  }
  const auto label = as_text(kdf.label);
  return kdf.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY ||
         (label != "key" && label != "iv" && label != "exporter");
}

int derive_kdf(void* data, unsigned char* out, std::size_t size, const OSSL_PARAM params[]) {
  set_kdf(data, params);
  const auto& kdf = *static_cast<Kdf*>(data);
  const std::uint8_t mode[] = {kdf.mode};
  const std::uint8_t inside[] = {static_cast<std::uint8_t>(stays_inside(kdf) ? 1 : 0)};
  return give(ask_vault(Request::kdf, {as_bytes(kdf.name), as_bytes(kdf.digest), mode, number(size), inside,
                                       kdf.key, kdf.salt, kdf.prefix, kdf.label, kdf.data, kdf.seed}),
              out, size);
}

// --- HMAC: Finished and binders ---

struct Mac {
  std::string digest;
  Bytes key, message;
};
void* new_mac(void* /*provider*/) {
  return new Mac;
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
    if (std::strcmp(p->key, OSSL_MAC_PARAM_DIGEST) == 0) mac.digest = static_cast<const char*>(p->data);
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
  auto* p = OSSL_PARAM_locate(params, OSSL_MAC_PARAM_SIZE);
  return p == nullptr ? 1
                      : OSSL_PARAM_set_size_t(
                            p, static_cast<Mac*>(data)->digest.find("384") != std::string::npos ? 48 : 32);
}
int init_mac(void* data, const unsigned char* key, std::size_t size, const OSSL_PARAM params[]) {
  auto& mac = *static_cast<Mac*>(data);
  set_mac(data, params);
  if (key != nullptr) mac.key.assign(key, key + size);
  mac.message.clear();
  return 1;
}
int update_mac(void* data, const unsigned char* part, std::size_t size) {
  append(static_cast<Mac*>(data)->message, BytesView(part, size));
  return 1;
}
int final_mac(void* data, unsigned char* out, std::size_t* size, std::size_t room) {
  const auto& mac = *static_cast<Mac*>(data);
  const auto tag = ask_vault(Request::hmac, {as_bytes(mac.digest), mac.key, mac.message});
  *size = tag.size();
  return give(tag, out, room);
}

// --- X25519: the ephemeral key and what comes of it ---

struct Key {
  Bytes number;  // the vault's; empty for a peer's key
  Bytes point;
};
void* new_key(void* /*provider*/) {
  return new Key;
}
void free_key(void* data) {
  delete static_cast<Key*>(data);
}
void* duplicate_key(const void* from, int selection) {
  return (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0 ? new Key(*static_cast<const Key*>(from)) : new Key;
}
int has_key(const void* data, int selection) {
  if (data == nullptr) return 0;  // a key of this kind that nothing was put in yet
  const auto& key = *static_cast<const Key*>(data);
  return ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || !key.number.empty()) &&
         ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 || !key.point.empty());
}
int match_keys(const void* a, const void* b, int selection) {
  if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0) return 1;
  return static_cast<const Key*>(a)->point == static_cast<const Key*>(b)->point ? 1 : 0;
}
// Parameters alone are what libssl makes for a peer's key, before it puts the point in.
void* init_generation(void* /*provider*/, int selection, const OSSL_PARAM /*params*/[]) {
  return new int(selection);
}
int set_generation(void* /*generation*/, const OSSL_PARAM /*params*/[]) {
  return 1;  // the group's name: there is one
}
const OSSL_PARAM* settable_generation(void* /*generation*/, void* /*provider*/) {
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
                                       OSSL_PARAM_END};
  return kParams;
}
void* generate(void* generation, OSSL_CALLBACK* /*progress*/, void* /*argument*/) {
  if ((*static_cast<int*>(generation) & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0) return new Key;
  const auto made = ask_vault(Request::generate, {});
  return new Key{{made[0]}, Bytes(made.begin() + 1, made.end())};
}
void end_generation(void* generation) {
  delete static_cast<int*>(generation);
}
int get_key(void* data, OSSL_PARAM params[]) {
  const auto& key = *static_cast<Key*>(data);
  for (auto* p = params; p->key != nullptr; ++p) {
    const std::string_view name(p->key);
    if (name == OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY &&
        OSSL_PARAM_set_octet_string(p, key.point.data(), key.point.size()) != 1)
      return 0;
    if (name == OSSL_PKEY_PARAM_BITS && OSSL_PARAM_set_int(p, 253) != 1) return 0;
    if (name == OSSL_PKEY_PARAM_SECURITY_BITS && OSSL_PARAM_set_int(p, 128) != 1) return 0;
    if (name == OSSL_PKEY_PARAM_MAX_SIZE && OSSL_PARAM_set_int(p, 32) != 1) return 0;
  }
  return 1;
}
const OSSL_PARAM* key_params(void* /*provider*/) {
  static const OSSL_PARAM kParams[] = {
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr), OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr), OSSL_PARAM_END};
  return kParams;
}
int set_key(void* data, const OSSL_PARAM params[]) {
  const auto* p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
  if (p != nullptr) static_cast<Key*>(data)->point = octets(*p);
  return 1;
}

struct Exchange {
  const Key* own = nullptr;
  const Key* peer = nullptr;
};
void* new_exchange(void* /*provider*/) {
  return new Exchange;
}
void free_exchange(void* data) {
  delete static_cast<Exchange*>(data);
}
int init_exchange(void* data, void* key, const OSSL_PARAM /*params*/[]) {
  static_cast<Exchange*>(data)->own = static_cast<Key*>(key);
  return 1;
}
int set_peer(void* data, void* key) {
  static_cast<Exchange*>(data)->peer = static_cast<Key*>(key);
  return 1;
}
int derive_exchange(void* data, unsigned char* secret, std::size_t* size, std::size_t room) {
  const auto& exchange = *static_cast<Exchange*>(data);
  *size = 32;
  if (secret == nullptr) return 1;
  return give(ask_vault(Request::derive, {exchange.own->number, exchange.peer->point}), secret, room);
}

// --- CTR-DRBG: where the client random comes from ---

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
int generate_random(void* /*data*/, unsigned char* out, std::size_t size, unsigned int /*strength*/,
                    int /*prediction*/, const unsigned char* /*additional*/,
                    std::size_t /*additional_size*/) {
  return give(ask_vault(Request::random, {number(size)}), out, size);
}
int enable_locking(void* /*data*/) {
  return 1;
}
int lock_random(void* /*data*/) {
  return 1;
}
void unlock_random(void* /*data*/) {}
int get_random(void* /*data*/, OSSL_PARAM params[]) {
  auto* p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
  if (p != nullptr && OSSL_PARAM_set_int(p, 1) != 1) return 0;  // EVP_RAND_STATE_READY
  p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
  if (p != nullptr && OSSL_PARAM_set_uint(p, 256) != 1) return 0;
  p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);
  return p == nullptr ? 1 : OSSL_PARAM_set_size_t(p, 4096);
}

const OSSL_DISPATCH kPrf[] = {entry(OSSL_FUNC_KDF_NEWCTX, new_prf),
                              entry(OSSL_FUNC_KDF_FREECTX, free_kdf),
                              entry(OSSL_FUNC_KDF_DERIVE, derive_kdf),
                              entry(OSSL_FUNC_KDF_SET_CTX_PARAMS, set_kdf),
                              {0, nullptr}};
const OSSL_DISPATCH kTls13[] = {entry(OSSL_FUNC_KDF_NEWCTX, new_tls13),
                                entry(OSSL_FUNC_KDF_FREECTX, free_kdf),
                                entry(OSSL_FUNC_KDF_DERIVE, derive_kdf),
                                entry(OSSL_FUNC_KDF_SET_CTX_PARAMS, set_kdf),
                                {0, nullptr}};
const OSSL_DISPATCH kHmac[] = {
    entry(OSSL_FUNC_MAC_NEWCTX, new_mac),         entry(OSSL_FUNC_MAC_FREECTX, free_mac),
    entry(OSSL_FUNC_MAC_DUPCTX, duplicate_mac),   entry(OSSL_FUNC_MAC_INIT, init_mac),
    entry(OSSL_FUNC_MAC_UPDATE, update_mac),      entry(OSSL_FUNC_MAC_FINAL, final_mac),
    entry(OSSL_FUNC_MAC_SET_CTX_PARAMS, set_mac), entry(OSSL_FUNC_MAC_SETTABLE_CTX_PARAMS, settable_mac),
    entry(OSSL_FUNC_MAC_GET_CTX_PARAMS, get_mac), {0, nullptr}};
const OSSL_DISPATCH kKeys[] = {entry(OSSL_FUNC_KEYMGMT_NEW, new_key),
                               entry(OSSL_FUNC_KEYMGMT_FREE, free_key),
                               entry(OSSL_FUNC_KEYMGMT_DUP, duplicate_key),
                               entry(OSSL_FUNC_KEYMGMT_HAS, has_key),
                               entry(OSSL_FUNC_KEYMGMT_MATCH, match_keys),
                               entry(OSSL_FUNC_KEYMGMT_GEN_INIT, init_generation),
                               entry(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, set_generation),
                               entry(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, settable_generation),
                               entry(OSSL_FUNC_KEYMGMT_GEN, generate),
                               entry(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, end_generation),
                               entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_key),
                               entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_params),
                               entry(OSSL_FUNC_KEYMGMT_SET_PARAMS, set_key),
                               entry(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, key_params),
                               {0, nullptr}};
const OSSL_DISPATCH kExchange[] = {
    entry(OSSL_FUNC_KEYEXCH_NEWCTX, new_exchange),    entry(OSSL_FUNC_KEYEXCH_FREECTX, free_exchange),
    entry(OSSL_FUNC_KEYEXCH_INIT, init_exchange),     entry(OSSL_FUNC_KEYEXCH_SET_PEER, set_peer),
    entry(OSSL_FUNC_KEYEXCH_DERIVE, derive_exchange), {0, nullptr}};
const OSSL_DISPATCH kRandom[] = {
    entry(OSSL_FUNC_RAND_NEWCTX, new_random),         entry(OSSL_FUNC_RAND_FREECTX, free_random),
    entry(OSSL_FUNC_RAND_INSTANTIATE, instantiate),   entry(OSSL_FUNC_RAND_UNINSTANTIATE, uninstantiate),
    entry(OSSL_FUNC_RAND_GENERATE, generate_random),  entry(OSSL_FUNC_RAND_ENABLE_LOCKING, enable_locking),
    entry(OSSL_FUNC_RAND_LOCK, lock_random),          entry(OSSL_FUNC_RAND_UNLOCK, unlock_random),
    entry(OSSL_FUNC_RAND_GET_CTX_PARAMS, get_random), {0, nullptr}};

#define VAULT "provider=vault"
const OSSL_ALGORITHM kKdfs[] = {{"TLS1-PRF", VAULT, kPrf, nullptr},
                                {"TLS13-KDF", VAULT, kTls13, nullptr},
                                {nullptr, nullptr, nullptr, nullptr}};
const OSSL_ALGORITHM kMacs[] = {{"HMAC", VAULT, kHmac, nullptr}, {nullptr, nullptr, nullptr, nullptr}};
const OSSL_ALGORITHM kKeyManagement[] = {{"X25519:1.3.101.110", VAULT, kKeys, nullptr},
                                         {nullptr, nullptr, nullptr, nullptr}};
const OSSL_ALGORITHM kExchanges[] = {{"X25519:1.3.101.110", VAULT, kExchange, nullptr},
                                     {nullptr, nullptr, nullptr, nullptr}};
const OSSL_ALGORITHM kRandoms[] = {{"CTR-DRBG", VAULT, kRandom, nullptr},
                                   {nullptr, nullptr, nullptr, nullptr}};

const OSSL_ALGORITHM* query(void* /*provider*/, int operation, int* no_cache) {
  *no_cache = 0;
  switch (operation) {
    case OSSL_OP_KDF:
      return kKdfs;
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

// libssl takes a group only from the provider that has its keys: without this X25519 would not be offered at
// all.
int tell_groups(void* /*provider*/, const char* capability, OSSL_CALLBACK* take, void* argument) {
  if (std::string_view(capability) != "TLS-GROUP") return 1;
  char name[] = "x25519";
  char internal[] = "X25519";
  unsigned int id = 29;  // RFC 8446 4.2.7
  unsigned int bits = 128;
  int from = TLS1_2_VERSION;
  int to = 0;  // no end
  int no_dtls = -1;
  const OSSL_PARAM group[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME, name, 0),
      OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL, internal, 0),
      OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_ALG, internal, 0),
      OSSL_PARAM_construct_uint(OSSL_CAPABILITY_TLS_GROUP_ID, &id),
      OSSL_PARAM_construct_uint(OSSL_CAPABILITY_TLS_GROUP_SECURITY_BITS, &bits),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MIN_TLS, &from),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MAX_TLS, &to),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MIN_DTLS, &no_dtls),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MAX_DTLS, &no_dtls),
      OSSL_PARAM_construct_end()};
  return take(group, argument);
}

const OSSL_DISPATCH kProvider[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
                                   entry(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, tell_groups),
                                   {0, nullptr}};
}  // namespace

extern "C" int vault_provider_init(const OSSL_CORE_HANDLE* /*handle*/, const OSSL_DISPATCH* /*in*/,
                                   const OSSL_DISPATCH** out, void** context) {
  static int something = 0;
  *out = kProvider;
  *context = &something;
  return 1;
}

}  // namespace camvault::tls_secrets

// Ephemeral keys of the two groups, and what comes of them. A kind of key of its own for each group: names
// that nobody else uses, so that certificates and all other keys stay with OpenSSL.
#include <openssl/tls1.h>

#include <string_view>

#include "provider.h"

namespace camvault::tls_secrets {

namespace {
using keystore::TlsGroup;

// libssl 3.0 offers a group to TLS 1.2 only if its kind of key is called EC, X25519 or X448
// (tls_valid_group). EC would be the name of certificates' keys as well, which stay with OpenSSL; nobody uses
// X448 here.
constexpr const char* kX25519 = "X25519";
constexpr const char* kP256 = "X448";

struct Key {
  TlsSecrets* secrets = nullptr;
  TlsGroup group{};
  Bytes handle;  // empty for a peer's key
  Bytes point;
};

template <TlsGroup group>
void* new_key(void* provider) {
  return new Key{&secrets_of(provider), group, {}, {}};
}
void free_key(void* data) {
  delete static_cast<Key*>(data);
}
void* duplicate_key(const void* from, int selection) {
  const auto& key = *static_cast<const Key*>(from);
  return (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0 ? new Key(key)
                                                        : new Key{key.secrets, key.group, {}, {}};
}
int has_key(const void* data, int selection) {
  if (data == nullptr) return 0;  // a key of this kind that nothing was put in yet
  const auto& key = *static_cast<const Key*>(data);
  return ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || !key.handle.empty()) &&
         ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 || !key.point.empty());
}
int match_keys(const void* a, const void* b, int selection) {
  if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0) return 1;
  return static_cast<const Key*>(a)->point == static_cast<const Key*>(b)->point ? 1 : 0;
}

// Parameters alone are what libssl makes for a peer's key, before it puts the point in.
struct Generation {
  TlsSecrets* secrets;
  TlsGroup group;
  int selection;
};
template <TlsGroup group>
void* init_generation(void* provider, int selection, const OSSL_PARAM /*params*/[]) {
  return new Generation{&secrets_of(provider), group, selection};
}
int set_generation(void* /*generation*/, const OSSL_PARAM /*params*/[]) {
  return 1;  // the group's name: each kind of key has one
}
const OSSL_PARAM* settable_generation(void* /*generation*/, void* /*provider*/) {
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
                                       OSSL_PARAM_END};
  return kParams;
}
void* generate(void* data, OSSL_CALLBACK* /*progress*/, void* /*argument*/) {
  const auto& generation = *static_cast<Generation*>(data);
  Key key{generation.secrets, generation.group, {}, {}};
  if ((generation.selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0) {
    auto share = generation.secrets->new_share(generation.group);
    if (!share) return nullptr;
    key.handle = std::move(share->handle);
    key.point = std::move(share->point);
  }
  return new Key(std::move(key));
}
void end_generation(void* generation) {
  delete static_cast<Generation*>(generation);
}

int get_key(void* data, OSSL_PARAM params[]) {
  const auto& key = *static_cast<Key*>(data);
  for (auto* p = params; p->key != nullptr; ++p) {
    const std::string_view name(p->key);
    int good = 1;
    if (name == OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY)
      good = OSSL_PARAM_set_octet_string(p, key.point.data(), key.point.size());
    if (name == OSSL_PKEY_PARAM_BITS) good = OSSL_PARAM_set_int(p, key.group == TlsGroup::x25519 ? 253 : 256);
    if (name == OSSL_PKEY_PARAM_SECURITY_BITS) good = OSSL_PARAM_set_int(p, 128);
    if (name == OSSL_PKEY_PARAM_MAX_SIZE) good = OSSL_PARAM_set_int(p, 32);
    if (good != 1) return 0;
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
// The keystore looks whether it is a point of the group.
int set_key(void* data, const OSSL_PARAM params[]) {
  auto& key = *static_cast<Key*>(data);
  const auto* p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
  if (p == nullptr) return 1;
  if (p->data_size != keystore::point_size(key.group)) return 0;
  key.point = octets(*p);
  return 1;
}
template <TlsGroup group>
const char* operation_name(int operation) {
  const bool exchange = operation == OSSL_OP_KEYEXCH;
  return !exchange ? nullptr : group == TlsGroup::x25519 ? kX25519 : kP256;
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
// OpenSSL keeps both keys as long as the exchange.
int derive(void* data, unsigned char* secret, std::size_t* size, std::size_t room) {
  const auto& exchange = *static_cast<Exchange*>(data);
  *size = 32;
  if (secret == nullptr) return 1;
  if (exchange.own == nullptr || exchange.peer == nullptr) return 0;
  return give(exchange.own->secrets->agree(exchange.own->handle, exchange.peer->point), secret, room);
}

template <TlsGroup group>
const OSSL_DISPATCH kKeys[] = {entry(OSSL_FUNC_KEYMGMT_NEW, new_key<group>),
                               entry(OSSL_FUNC_KEYMGMT_FREE, free_key),
                               entry(OSSL_FUNC_KEYMGMT_DUP, duplicate_key),
                               entry(OSSL_FUNC_KEYMGMT_HAS, has_key),
                               entry(OSSL_FUNC_KEYMGMT_MATCH, match_keys),
                               entry(OSSL_FUNC_KEYMGMT_GEN_INIT, init_generation<group>),
                               entry(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, set_generation),
                               entry(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, settable_generation),
                               entry(OSSL_FUNC_KEYMGMT_GEN, generate),
                               entry(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, end_generation),
                               entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_key),
                               entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_params),
                               entry(OSSL_FUNC_KEYMGMT_SET_PARAMS, set_key),
                               entry(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, key_params),
                               entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, operation_name<group>),
                               {0, nullptr}};
const OSSL_DISPATCH kExchange[] = {
    entry(OSSL_FUNC_KEYEXCH_NEWCTX, new_exchange), entry(OSSL_FUNC_KEYEXCH_FREECTX, free_exchange),
    entry(OSSL_FUNC_KEYEXCH_INIT, init_exchange),  entry(OSSL_FUNC_KEYEXCH_SET_PEER, set_peer),
    entry(OSSL_FUNC_KEYEXCH_DERIVE, derive),       {0, nullptr}};
}  // namespace

const OSSL_ALGORITHM kKeyManagement[] = {{kX25519, CAMVAULT_TLS_PROVIDER, kKeys<TlsGroup::x25519>, nullptr},
                                         {kP256, CAMVAULT_TLS_PROVIDER, kKeys<TlsGroup::secp256r1>, nullptr},
                                         {nullptr, nullptr, nullptr, nullptr}};
const OSSL_ALGORITHM kExchanges[] = {{kX25519, CAMVAULT_TLS_PROVIDER, kExchange, nullptr},
                                     {kP256, CAMVAULT_TLS_PROVIDER, kExchange, nullptr},
                                     {nullptr, nullptr, nullptr, nullptr}};

int announce_groups(OSSL_CALLBACK* take, void* argument) {
  struct Group {
    const char* name;      // as the TLS registry has it
    const char* internal;  // as OpenSSL's users write it
    const char* algorithm;
    unsigned int id;  // RFC 8446 4.2.7
  };
  for (const auto& group : {Group{"x25519", "X25519", kX25519, 29}, Group{"secp256r1", "P-256", kP256, 23}}) {
    unsigned int id = group.id;
    unsigned int bits = 128;
    int from = TLS1_2_VERSION;
    int to = 0;  // no end
    int no_dtls = -1;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME, const_cast<char*>(group.name), 0),
        OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL,
                                         const_cast<char*>(group.internal), 0),
        OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_ALG, const_cast<char*>(group.algorithm),
                                         0),
        OSSL_PARAM_construct_uint(OSSL_CAPABILITY_TLS_GROUP_ID, &id),
        OSSL_PARAM_construct_uint(OSSL_CAPABILITY_TLS_GROUP_SECURITY_BITS, &bits),
        OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MIN_TLS, &from),
        OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MAX_TLS, &to),
        OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MIN_DTLS, &no_dtls),
        OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MAX_DTLS, &no_dtls),
        OSSL_PARAM_construct_end()};
    if (take(params, argument) != 1) return 0;
  }
  return 1;
}

}  // namespace camvault::tls_secrets

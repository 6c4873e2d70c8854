// Keys as OpenSSL manages them: loaded by the store or from a stub, or handed over by in_process.h, looked
// at, compared and exported by their public half. Nothing is made or derived here: that is other providers'.
// provider-keymgmt(7).
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstring>

#include "camvault/openssl_keys/key.h"
#include "camvault/openssl_keys/provider.h"

namespace camvault::openssl_keys {

namespace {
using crypto::KeyAlg;

const Key& key_of(const void* data) {
  return **static_cast<const SharedKey*>(data);
}

// The reference is a pointer to the key that the store or the decoder made; whoever loads takes it over.
template <KeyAlg... Algs>
void* load(const void* reference, std::size_t size) {
  if (size != sizeof(void*)) return nullptr;
  auto** slot = static_cast<SharedKey**>(const_cast<void*>(reference));
  if (*slot == nullptr || ((key_of(*slot).alg != Algs) && ...)) return nullptr;
  return std::exchange(*slot, nullptr);
}

void free_key(void* data) {
  delete static_cast<SharedKey*>(data);
}

void* duplicate(const void* data, int selection) {
  static_cast<void>(selection);
  return new (std::nothrow) SharedKey(*static_cast<const SharedKey*>(data));
}

// Both halves are there, one of them elsewhere.
int has(const void* data, int selection) {
  static_cast<void>(selection);
  return data != nullptr && *static_cast<const SharedKey*>(data) != nullptr ? 1 : 0;
}

int match(const void* a, const void* b, int selection) {
  if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0) return 1;
  const auto& left = key_of(a);
  const auto& right = key_of(b);
  return left.alg == right.alg && left.numbers.point == right.numbers.point &&
                 left.numbers.modulus == right.numbers.modulus &&
                 left.numbers.exponent == right.numbers.exponent
             ? 1
             : 0;
}

struct Sizes {
  int bits;
  int security_bits;  // SP 800-57 part 1, table 2
};
Sizes sizes_of(KeyAlg alg) {
  switch (alg) {
    case KeyAlg::ec_p256:
      return {256, 128};
    case KeyAlg::ec_p384:
      return {384, 192};
    case KeyAlg::ec_p521:
      return {521, 256};
    case KeyAlg::rsa_2048:
      return {2048, 112};
    case KeyAlg::rsa_3072:
      return {3072, 128};
    case KeyAlg::rsa_4096:
      return {4096, 152};
    case KeyAlg::ed25519:
      return {253, 128};
  }
  return {0, 0};
}

const char* group_name(KeyAlg alg) {
  return alg == KeyAlg::ec_p256 ? "prime256v1" : alg == KeyAlg::ec_p384 ? "secp384r1" : "secp521r1";
}

// A number into a parameter, in the byte order of this machine.
int set_number(OSSL_PARAM* parameter, BytesView big_endian) {
  const Owned<BIGNUM, BN_free> number(
      BN_bin2bn(big_endian.data(), static_cast<int>(big_endian.size()), nullptr));
  return number != nullptr ? OSSL_PARAM_set_BN(parameter, number.get()) : 0;
}

int set_text(OSSL_PARAM params[], const char* name, const char* value) {
  auto* p = OSSL_PARAM_locate(params, name);
  return p == nullptr || OSSL_PARAM_set_utf8_string(p, value) == 1 ? 1 : 0;
}
int set_int(OSSL_PARAM params[], const char* name, int value) {
  auto* p = OSSL_PARAM_locate(params, name);
  return p == nullptr || OSSL_PARAM_set_int(p, value) == 1 ? 1 : 0;
}
int set_octets(OSSL_PARAM params[], const char* name, const Bytes& value) {
  auto* p = OSSL_PARAM_locate(params, name);
  return p == nullptr || OSSL_PARAM_set_octet_string(p, value.data(), value.size()) == 1 ? 1 : 0;
}

int get_ec_params(const Key& key, OSSL_PARAM params[]) {
  const auto half = key.numbers.point.size() / 2;
  const auto point = BytesView(key.numbers.point);
  if (auto* p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_EC_PUB_X);
      p != nullptr && set_number(p, point.subspan(1, half)) == 0)
    return 0;
  if (auto* p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_EC_PUB_Y);
      p != nullptr && set_number(p, point.last(half)) == 0)
    return 0;
  return set_text(params, OSSL_PKEY_PARAM_GROUP_NAME, group_name(key.alg)) &&
                 set_octets(params, OSSL_PKEY_PARAM_PUB_KEY, key.numbers.point) &&
                 set_octets(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, key.numbers.point) &&
                 set_text(params, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") &&
                 set_text(params, OSSL_PKEY_PARAM_EC_FIELD_TYPE, SN_X9_62_prime_field) &&
                 set_text(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST, "SHA256")
             ? 1
             : 0;
}

int get_rsa_params(const Key& key, OSSL_PARAM params[]) {
  if (auto* p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_RSA_N);
      p != nullptr && set_number(p, key.numbers.modulus) == 0)
    return 0;
  if (auto* p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_RSA_E);
      p != nullptr && set_number(p, key.numbers.exponent) == 0)
    return 0;
  return set_text(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST, "SHA256");
}

int get_params(void* data, OSSL_PARAM params[]) {
  const auto& key = key_of(data);
  const auto sizes = sizes_of(key.alg);
  if (!set_int(params, OSSL_PKEY_PARAM_BITS, sizes.bits) ||
      !set_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, sizes.security_bits) ||
      !set_int(params, OSSL_PKEY_PARAM_MAX_SIZE, static_cast<int>(crypto::max_signature_size(key.alg))))
    return 0;
  if (crypto::is_ecdsa(key.alg)) return get_ec_params(key, params);
  if (crypto::is_rsa(key.alg)) return get_rsa_params(key, params);
  return set_octets(params, OSSL_PKEY_PARAM_PUB_KEY, key.numbers.point) &&
                 set_text(params, OSSL_PKEY_PARAM_MANDATORY_DIGEST, "")
             ? 1
             : 0;
}

const OSSL_PARAM* gettable_params(void* provider) {
  static_cast<void>(provider);
  static const OSSL_PARAM kParams[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_FIELD_TYPE, nullptr, 0),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_X, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_Y, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
      OSSL_PARAM_END};
  return kParams;
}

// The public half, for providers that verify, encode and compare. Never with a private one: who asks for that
// means to sign by himself, and is sent to us by the refusal (EVP_DigestSignInit's second try).
int export_key(void* data, int selection, OSSL_CALLBACK* take, void* argument) {
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) return 0;
  const auto& key = key_of(data);
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> out(OSSL_PARAM_BLD_new());
  Owned<BIGNUM, BN_free> n(
      BN_bin2bn(key.numbers.modulus.data(), static_cast<int>(key.numbers.modulus.size()), nullptr));
  Owned<BIGNUM, BN_free> e(
      BN_bin2bn(key.numbers.exponent.data(), static_cast<int>(key.numbers.exponent.size()), nullptr));
  if (out == nullptr || n == nullptr || e == nullptr) return 0;
  const bool with_key = (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0;
  int good = 1;
  if (crypto::is_ecdsa(key.alg))
    good &= OSSL_PARAM_BLD_push_utf8_string(out.get(), OSSL_PKEY_PARAM_GROUP_NAME, group_name(key.alg), 0);
  if (with_key && crypto::is_rsa(key.alg)) {
    good &= OSSL_PARAM_BLD_push_BN(out.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
    good &= OSSL_PARAM_BLD_push_BN(out.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  } else if (with_key) {
    good &= OSSL_PARAM_BLD_push_octet_string(out.get(), OSSL_PKEY_PARAM_PUB_KEY, key.numbers.point.data(),
                                             key.numbers.point.size());
  }
  const Owned<OSSL_PARAM, OSSL_PARAM_free> params(good == 1 ? OSSL_PARAM_BLD_to_param(out.get()) : nullptr);
  return params != nullptr ? take(params.get(), argument) : 0;
}

const OSSL_PARAM* export_types(int selection) {
  static const OSSL_PARAM kNone[] = {OSSL_PARAM_END};
  static const OSSL_PARAM kPublic[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
                                       OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0), OSSL_PARAM_END};
  return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? kNone : kPublic;
}

const char* ec_operation(int operation) {
  return operation == OSSL_OP_SIGNATURE ? "ECDSA" : nullptr;
}
const char* rsa_operation(int operation) {
  return operation == OSSL_OP_SIGNATURE ? "RSA" : nullptr;
}
const char* ed_operation(int operation) {
  return operation == OSSL_OP_SIGNATURE ? "ED25519" : nullptr;
}

// A key that in_process.h hands over: an empty one first, which the import fills.
void* new_key(void* provider) {
  static_cast<void>(provider);
  return new (std::nothrow) SharedKey;
}

template <KeyAlg... Algs>
int import_key(void* data, int selection, const OSSL_PARAM params[]) {
  static_cast<void>(selection);
  const SharedKey* from = nullptr;
  const auto* p = OSSL_PARAM_locate_const(params, kKeyParameter);
  if (p == nullptr || p->data_type != OSSL_PARAM_OCTET_STRING || p->data_size != sizeof from) return 0;
  std::memcpy(&from, p->data, sizeof from);
  if ((((*from)->alg != Algs) && ...)) return 0;
  *static_cast<SharedKey*>(data) = *from;
  return 1;
}

const OSSL_PARAM* import_types(int selection) {
  static_cast<void>(selection);
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_octet_string(kKeyParameter, nullptr, 0), OSSL_PARAM_END};
  return kParams;
}

#define COMMON_FUNCTIONS                                                                                \
  entry(OSSL_FUNC_KEYMGMT_FREE, free_key), entry(OSSL_FUNC_KEYMGMT_DUP, duplicate),                     \
      entry(OSSL_FUNC_KEYMGMT_HAS, has), entry(OSSL_FUNC_KEYMGMT_MATCH, match),                         \
      entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params),                                                  \
      entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, gettable_params),                                        \
      entry(OSSL_FUNC_KEYMGMT_EXPORT, export_key), entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, export_types), \
      entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, operation), {                                       \
    0, nullptr                                                                                          \
  }

template <KeyAlg... Algs>
const OSSL_DISPATCH* functions(const char* (*operation)(int)) {
  static const OSSL_DISPATCH kTable[] = {entry(OSSL_FUNC_KEYMGMT_LOAD, load<Algs...>), COMMON_FUNCTIONS};
  return kTable;
}

template <KeyAlg... Algs>
const OSSL_DISPATCH* functions_in_process(const char* (*operation)(int)) {
  static const OSSL_DISPATCH kTable[] = {
      entry(OSSL_FUNC_KEYMGMT_NEW, new_key), entry(OSSL_FUNC_KEYMGMT_IMPORT, import_key<Algs...>),
      entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, import_types), COMMON_FUNCTIONS};
  return kTable;
}

#define ALL_KINDS(functions)                                                                               \
  {"EC:id-ecPublicKey:1.2.840.10045.2.1", CAMVAULT_PROVIDER,                                               \
   functions<KeyAlg::ec_p256, KeyAlg::ec_p384, KeyAlg::ec_p521>(ec_operation), "EC keys in the keystore"}, \
      {"RSA:rsaEncryption:1.2.840.113549.1.1.1", CAMVAULT_PROVIDER,                                        \
       functions<KeyAlg::rsa_2048, KeyAlg::rsa_3072, KeyAlg::rsa_4096>(rsa_operation),                     \
       "RSA keys in the keystore"},                                                                        \
      {"ED25519:1.3.101.112", CAMVAULT_PROVIDER, functions<KeyAlg::ed25519>(ed_operation),                 \
       "Ed25519 keys in the keystore"},                                                                    \
  {                                                                                                        \
    nullptr, nullptr, nullptr, nullptr                                                                     \
  }
}  // namespace

const OSSL_ALGORITHM kKeyManagement[] = {ALL_KINDS(functions)};
const OSSL_ALGORITHM kKeyManagementInProcess[] = {ALL_KINDS(functions_in_process)};

}  // namespace camvault::openssl_keys

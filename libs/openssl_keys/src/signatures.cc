// Signatures: the digest is made with the program's own OpenSSL (what is hashed in a handshake is no secret),
// the rest by whoever has the key. provider-signature(7). Verifying is left to the providers that have the
// public key exported to them.
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <charconv>
#include <optional>

#include "algorithm_identifiers.h"
#include "camvault/openssl_keys/key.h"
#include "camvault/openssl_keys/provider.h"

namespace camvault::openssl_keys {

namespace {
using crypto::HashAlg;
using crypto::SignatureScheme;

struct Operation {
  const Provider* provider = nullptr;
  SharedKey key;
  std::optional<HashAlg> hash;
  bool pss = false;
  Owned<EVP_MD_CTX, EVP_MD_CTX_free> digest;

  Operation() = default;
};

Operation& operation_of(void* data) {
  return *static_cast<Operation*>(data);
}

int complain(const Operation& operation, Errc code, const char* why) {
  return raise(*operation.provider, Error{code, why});
}

const char* ossl_name(HashAlg hash) {
  return hash == HashAlg::sha256 ? "SHA256" : hash == HashAlg::sha384 ? "SHA384" : "SHA512";
}

// Nothing for hashes that keystored does not sign; SHA-1 among them.
std::optional<HashAlg> hash_of(const Operation& operation, const char* name) {
  const Owned<EVP_MD, EVP_MD_free> md(EVP_MD_fetch(operation.provider->context, name, nullptr));
  if (md == nullptr) return std::nullopt;
  for (const auto hash : {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512}) {
    if (EVP_MD_is_a(md.get(), ossl_name(hash)) == 1) return hash;
  }
  return std::nullopt;
}

SignatureScheme scheme_of(const Operation& operation) {
  if (operation.key->alg == crypto::KeyAlg::ed25519) return SignatureScheme::ed25519;
  if (crypto::is_ecdsa(operation.key->alg)) return SignatureScheme::ecdsa;
  return operation.pss ? SignatureScheme::rsa_pss : SignatureScheme::rsa_pkcs1v15;
}

void* new_operation(void* provider, const char* properties) {
  static_cast<void>(properties);
  auto* operation = new (std::nothrow) Operation;
  if (operation != nullptr) operation->provider = static_cast<const Provider*>(provider);
  return operation;
}

void free_operation(void* data) {
  delete static_cast<Operation*>(data);
}

void* duplicate_operation(void* data) {
  const auto& from = operation_of(data);
  auto* to = new (std::nothrow) Operation;
  if (to == nullptr) return nullptr;
  to->provider = from.provider;
  to->key = from.key;
  to->hash = from.hash;
  to->pss = from.pss;
  if (from.digest != nullptr) {
    to->digest.reset(EVP_MD_CTX_new());
    if (to->digest == nullptr || EVP_MD_CTX_copy_ex(to->digest.get(), from.digest.get()) != 1) {
      delete to;
      return nullptr;
    }
  }
  return to;
}

int set_digest(Operation& operation, const char* name) {
  operation.hash = hash_of(operation, name);
  return operation.hash
             ? 1
             : complain(operation, Errc::unsupported, "the keystore signs SHA-256, SHA-384 and SHA-512 only");
}

int set_padding(Operation& operation, const OSSL_PARAM& parameter) {
  int mode = 0;
  if (parameter.data_type == OSSL_PARAM_UTF8_STRING) {
    const std::string_view name(static_cast<const char*>(parameter.data));
    mode = name == OSSL_PKEY_RSA_PAD_MODE_PKCSV15 ? RSA_PKCS1_PADDING
           : name == OSSL_PKEY_RSA_PAD_MODE_PSS   ? RSA_PKCS1_PSS_PADDING
                                                  : 0;
  } else if (OSSL_PARAM_get_int(&parameter, &mode) != 1) {
    return 0;
  }
  if (mode != RSA_PKCS1_PADDING && mode != RSA_PKCS1_PSS_PADDING)
    return complain(operation, Errc::unsupported, "the keystore signs with PKCS#1 v1.5 and PSS padding only");
  operation.pss = mode == RSA_PKCS1_PSS_PADDING;
  return 1;
}

// As long as the digest, in the words that OpenSSL has for it: -1, or "auto" where that is the largest is
// refused.
int set_salt(const Operation& operation, const OSSL_PARAM& parameter) {
  int size = 0;
  if (parameter.data_type == OSSL_PARAM_UTF8_STRING) {
    const std::string_view text(static_cast<const char*>(parameter.data));
    if (text == OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) return 1;
    std::from_chars(text.data(), text.data() + text.size(), size);  // 0 for other words
  } else if (OSSL_PARAM_get_int(&parameter, &size) != 1) {
    return 0;
  }
  const bool fits = size == RSA_PSS_SALTLEN_DIGEST ||
                    (operation.hash && size == static_cast<int>(crypto::digest_size(*operation.hash)));
  return fits ? 1
              : complain(operation, Errc::unsupported, "the keystore's PSS salt is as long as the digest");
}

int set_parameters(void* data, const OSSL_PARAM params[]) {
  auto& operation = operation_of(data);
  if (params == nullptr) return 1;
  if (const auto* p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST)) {
    if (p->data_type != OSSL_PARAM_UTF8_STRING ||
        set_digest(operation, static_cast<const char*>(p->data)) == 0)
      return 0;
  }
  if (operation.key == nullptr || !crypto::is_rsa(operation.key->alg)) return 1;
  if (const auto* p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
      p != nullptr && set_padding(operation, *p) == 0)
    return 0;
  if (const auto* p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
      p != nullptr && set_salt(operation, *p) == 0)
    return 0;
  if (const auto* p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST)) {
    const auto mgf = p->data_type == OSSL_PARAM_UTF8_STRING
                         ? hash_of(operation, static_cast<const char*>(p->data))
                         : std::nullopt;
    if (!mgf || (operation.hash && mgf != operation.hash))
      return complain(operation, Errc::unsupported, "the keystore's MGF1 has the hash of the message");
  }
  return 1;
}

const OSSL_PARAM* settable_parameters(void* data, void* provider) {
  static_cast<void>(data);
  static_cast<void>(provider);
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0),
                                       OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, nullptr, 0),
                                       OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
                                       OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
                                       OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, nullptr, 0),
                                       OSSL_PARAM_END};
  return kParams;
}

int get_parameters(void* data, OSSL_PARAM params[]) {
  auto& operation = operation_of(data);
  if (params == nullptr) return 1;
  if (auto* p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID)) {
    const auto id = operation.key == nullptr ? Bytes{}
                                             : algorithm_identifier(scheme_of(operation),
                                                                    operation.hash.value_or(HashAlg::sha256));
    if (id.empty() || OSSL_PARAM_set_octet_string(p, id.data(), id.size()) != 1) return 0;
  }
  if (auto* p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST)) {
    if (OSSL_PARAM_set_utf8_string(p, operation.hash ? ossl_name(*operation.hash) : "") != 1) return 0;
  }
  if (auto* p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) {
    if (p->data_type == OSSL_PARAM_UTF8_STRING
            ? OSSL_PARAM_set_utf8_string(
                  p, operation.pss ? OSSL_PKEY_RSA_PAD_MODE_PSS : OSSL_PKEY_RSA_PAD_MODE_PKCSV15) != 1
            : OSSL_PARAM_set_int(p, operation.pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1)
      return 0;
  }
  if (auto* p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN)) {
    if (p->data_type == OSSL_PARAM_UTF8_STRING
            ? OSSL_PARAM_set_utf8_string(p, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) != 1
            : OSSL_PARAM_set_int(p, RSA_PSS_SALTLEN_DIGEST) != 1)
      return 0;
  }
  return 1;
}

const OSSL_PARAM* gettable_parameters(void* data, void* provider) {
  static_cast<void>(data);
  static_cast<void>(provider);
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, nullptr, 0),
                                       OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0),
                                       OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
                                       OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
                                       OSSL_PARAM_END};
  return kParams;
}

int start(void* data, void* key, const OSSL_PARAM params[]) {
  auto& operation = operation_of(data);
  if (key != nullptr) operation.key = *static_cast<SharedKey*>(key);
  if (operation.key == nullptr) return complain(operation, Errc::usage, "no key");
  return set_parameters(data, params);
}

int give(const Operation& operation, const Result<Bytes>& made, unsigned char* signature, std::size_t* size,
         std::size_t room) {
  if (!made) return raise(*operation.provider, made.error());
  if (made->size() > room) return complain(operation, Errc::limit, "too little room for the signature");
  std::copy(made->begin(), made->end(), signature);
  *size = made->size();
  return 1;
}

// EVP_PKEY_sign: over a digest that the program made.
int sign(void* data, unsigned char* signature, std::size_t* size, std::size_t room,
         const unsigned char* digest, std::size_t digest_size) {
  auto& operation = operation_of(data);
  if (operation.key == nullptr) return complain(operation, Errc::usage, "no key");
  *size = signature == nullptr ? crypto::max_signature_size(operation.key->alg) : *size;
  if (signature == nullptr) return 1;
  auto hash = operation.hash;
  if (!hash && crypto::is_ecdsa(operation.key->alg))  // which hash a digest is of only its size says then
    hash = digest_size == 64 ? HashAlg::sha512 : digest_size == 48 ? HashAlg::sha384 : HashAlg::sha256;
  if (!hash || digest_size != crypto::digest_size(*hash))
    return complain(operation, Errc::unsupported,
                    "the keystore signs digests of SHA-256, SHA-384 and SHA-512 only");
  crypto::Digest value;
  value.size = static_cast<std::uint8_t>(digest_size);
  std::copy_n(digest, digest_size, value.bytes.begin());
  return give(operation, operation.key->signer->sign(scheme_of(operation), *hash, value), signature, size,
              room);
}

int start_message(void* data, const char* digest, void* key, const OSSL_PARAM params[]) {
  auto& operation = operation_of(data);
  if (key != nullptr) operation.key = *static_cast<SharedKey*>(key);
  if (operation.key == nullptr) return complain(operation, Errc::usage, "no key");
  if (set_digest(operation, digest == nullptr || *digest == '\0' ? "SHA256" : digest) == 0 ||
      set_parameters(data, params) == 0)
    return 0;
  const Owned<EVP_MD, EVP_MD_free> md(
      EVP_MD_fetch(operation.provider->context, ossl_name(*operation.hash), nullptr));
  operation.digest.reset(EVP_MD_CTX_new());
  return md != nullptr && operation.digest != nullptr &&
                 EVP_DigestInit_ex2(operation.digest.get(), md.get(), nullptr) == 1
             ? 1
             : 0;
}

int add_to_message(void* data, const unsigned char* part, std::size_t size) {
  auto& operation = operation_of(data);
  return operation.digest != nullptr && EVP_DigestUpdate(operation.digest.get(), part, size) == 1 ? 1 : 0;
}

int finish_message(void* data, unsigned char* signature, std::size_t* size, std::size_t room) {
  auto& operation = operation_of(data);
  if (operation.key == nullptr || operation.digest == nullptr)
    return complain(operation, Errc::usage, "nothing to sign");
  if (signature == nullptr) {
    *size = crypto::max_signature_size(operation.key->alg);
    return 1;
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_size = 0;
  if (EVP_DigestFinal_ex(operation.digest.get(), digest, &digest_size) != 1) return 0;
  return sign(data, signature, size, room, digest, digest_size);
}

int start_ed25519(void* data, const char* digest, void* key, const OSSL_PARAM params[]) {
  static_cast<void>(params);
  auto& operation = operation_of(data);
  if (digest != nullptr && *digest != '\0')
    return complain(operation, Errc::unsupported, "Ed25519 signs the message itself");
  if (key != nullptr) operation.key = *static_cast<SharedKey*>(key);
  return operation.key != nullptr ? 1 : 0;
}

int sign_ed25519(void* data, unsigned char* signature, std::size_t* size, std::size_t room,
                 const unsigned char* message, std::size_t message_size) {
  auto& operation = operation_of(data);
  if (operation.key == nullptr) return complain(operation, Errc::usage, "no key");
  if (signature == nullptr) {
    *size = crypto::max_signature_size(operation.key->alg);
    return 1;
  }
  return give(operation, operation.key->signer->sign_message(BytesView(message, message_size)), signature,
              size, room);
}

const OSSL_DISPATCH kDigestSignatures[] = {
    entry(OSSL_FUNC_SIGNATURE_NEWCTX, new_operation),
    entry(OSSL_FUNC_SIGNATURE_FREECTX, free_operation),
    entry(OSSL_FUNC_SIGNATURE_DUPCTX, duplicate_operation),
    entry(OSSL_FUNC_SIGNATURE_SIGN_INIT, start),
    entry(OSSL_FUNC_SIGNATURE_SIGN, sign),
    entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, start_message),
    entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, add_to_message),
    entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, finish_message),
    entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_parameters),
    entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable_parameters),
    entry(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, get_parameters),
    entry(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, gettable_parameters),
    {0, nullptr}};

const OSSL_DISPATCH kMessageSignatures[] = {
    entry(OSSL_FUNC_SIGNATURE_NEWCTX, new_operation),
    entry(OSSL_FUNC_SIGNATURE_FREECTX, free_operation),
    entry(OSSL_FUNC_SIGNATURE_DUPCTX, duplicate_operation),
    entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, start_ed25519),
    entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign_ed25519),
    entry(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, get_parameters),
    entry(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, gettable_parameters),
    {0, nullptr}};
}  // namespace

const OSSL_ALGORITHM kSignatures[] = {
    {"ECDSA", CAMVAULT_PROVIDER, kDigestSignatures, "ECDSA by keystored"},
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", CAMVAULT_PROVIDER, kDigestSignatures,
     "RSA signatures by keystored"},
    {"ED25519:1.3.101.112", CAMVAULT_PROVIDER, kMessageSignatures, "Ed25519 by keystored"},
    {nullptr, nullptr, nullptr, nullptr}};

}  // namespace camvault::openssl_keys

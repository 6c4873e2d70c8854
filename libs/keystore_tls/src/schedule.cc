#include "schedule.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <vector>

#include "camvault/base/owned.h"

namespace camvault::keystore_tls {

namespace {
using Kdf = Owned<EVP_KDF, EVP_KDF_free>;
using KdfContext = Owned<EVP_KDF_CTX, EVP_KDF_CTX_free>;

char* name_of(HashAlg hash) {
  static char names[][8] = {"SHA256", "SHA384", "SHA512"};
  return names[hash == HashAlg::sha256 ? 0 : hash == HashAlg::sha384 ? 1 : 2];
}

// OpenSSL copies what a parameter points to and changes nothing.
OSSL_PARAM octets(const char* name, BytesView value) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(value.data()), value.size());
}

Result<Secret> derive(const Kdf& algorithm, std::vector<OSSL_PARAM> params, std::size_t size) {
  const KdfContext context(EVP_KDF_CTX_new(algorithm.get()));
  params.push_back(OSSL_PARAM_construct_end());
  bool good = context != nullptr;
  auto out = Secret::make(size, [&](std::span<std::uint8_t> room) {
    good = good && EVP_KDF_derive(context.get(), room.data(), room.size(), params.data()) == 1;
  });
  ERR_clear_error();
  if (!good) return fail(Errc::internal, "OpenSSL does not derive");
  return out;
}

const Kdf& tls13() {
  static const Kdf algorithm(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, nullptr));
  return algorithm;
}
}  // namespace

Result<Secret> prf(HashAlg hash, BytesView secret, BytesView seed, std::size_t size) {
  static const Kdf algorithm(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr));
  return derive(algorithm,
                {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name_of(hash), 0),
                 octets(OSSL_KDF_PARAM_SECRET, secret), octets(OSSL_KDF_PARAM_SEED, seed)},
                size);
}

Result<Secret> extract(HashAlg hash, BytesView before, BytesView input) {
  int mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
  std::vector<OSSL_PARAM> params = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name_of(hash), 0),
                                    OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
                                    octets(OSSL_KDF_PARAM_PREFIX, as_bytes("tls13 ")),
                                    octets(OSSL_KDF_PARAM_LABEL, as_bytes("derived"))};
  if (!input.empty()) params.push_back(octets(OSSL_KDF_PARAM_KEY, input));
  if (!before.empty()) params.push_back(octets(OSSL_KDF_PARAM_SALT, before));
  return derive(tls13(), std::move(params), crypto::digest_size(hash));
}

Result<Secret> expand_label(HashAlg hash, BytesView secret, BytesView label, BytesView context,
                            std::size_t size) {
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  std::vector<OSSL_PARAM> params = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name_of(hash), 0),
                                    OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
                                    octets(OSSL_KDF_PARAM_PREFIX, as_bytes("tls13 ")),
                                    octets(OSSL_KDF_PARAM_LABEL, label), octets(OSSL_KDF_PARAM_KEY, secret)};
  if (!context.empty()) params.push_back(octets(OSSL_KDF_PARAM_DATA, context));
  return derive(tls13(), std::move(params), size);
}

Result<Bytes> hmac(HashAlg hash, BytesView key, BytesView message) {
  Bytes out(crypto::digest_size(hash));
  std::size_t size = 0;
  const auto* done = EVP_Q_mac(nullptr, "HMAC", nullptr, name_of(hash), nullptr, key.data(), key.size(),
                               message.data(), message.size(), out.data(), out.size(), &size);
  ERR_clear_error();
  if (done == nullptr || size != out.size()) return fail(Errc::internal, "OpenSSL makes no HMAC");
  return out;
}

}  // namespace camvault::keystore_tls

#include "camvault/keystore_software/private_key_parts.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "camvault/base/owned.h"
#include "camvault/crypto/key_encoding.h"
#include "openssl.h"

namespace camvault::keystore_software {

using keystore::KeyType;

namespace {
using Number = Owned<BIGNUM, BN_clear_free>;

tl::unexpected<Error> lacks(const char* what) {
  return fail(Errc::invalid, std::string("the key has no ") + what);
}

Result<Number> number(const openssl::Pkey& key, const char* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key.get(), name, &value) != 1) return lacks(name);
  return Number(value);
}

Result<Secret> secret_number(const openssl::Pkey& key, const char* name, std::size_t size = 0) {
  CAM_TRY(const auto value, number(key, name));
  const auto needed = static_cast<std::size_t>(BN_num_bytes(value.get()));
  if (size == 0) size = needed;
  if (needed > size) return lacks(name);
  return Secret::make(size, [&](std::span<std::uint8_t> out) {
    BN_bn2binpad(value.get(), out.data(), static_cast<int>(out.size()));
  });
}

Result<Bytes> public_number(const openssl::Pkey& key, const char* name) {
  CAM_TRY(const auto value, number(key, name));
  Bytes out(static_cast<std::size_t>(BN_num_bytes(value.get())));
  BN_bn2bin(value.get(), out.data());
  return out;
}

Result<Bytes> public_bytes(const openssl::Pkey& key) {
  std::size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0, &size) != 1)
    return lacks("public half");
  Bytes out(size);
  if (EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, out.data(), out.size(), &size) != 1)
    return lacks("public half");
  return out;
}

Result<Secret> seed(const openssl::Pkey& key) {
  bool good = false;
  auto out = Secret::make(32, [&](std::span<std::uint8_t> room) {
    std::size_t size = room.size();
    good = EVP_PKEY_get_raw_private_key(key.get(), room.data(), &size) == 1 && size == room.size();
  });
  if (!good) return lacks("seed");
  return out;
}

Status take_rsa_apart(const openssl::Pkey& key, PrivateKeyParts& parts) {
  CAM_TRY(parts.modulus, public_number(key, OSSL_PKEY_PARAM_RSA_N));
  CAM_TRY(parts.public_exponent, public_number(key, OSSL_PKEY_PARAM_RSA_E));
  CAM_TRY(parts.private_exponent, secret_number(key, OSSL_PKEY_PARAM_RSA_D));
  CAM_TRY(parts.prime1, secret_number(key, OSSL_PKEY_PARAM_RSA_FACTOR1));
  CAM_TRY(parts.prime2, secret_number(key, OSSL_PKEY_PARAM_RSA_FACTOR2));
  CAM_TRY(parts.exponent1, secret_number(key, OSSL_PKEY_PARAM_RSA_EXPONENT1));
  CAM_TRY(parts.exponent2, secret_number(key, OSSL_PKEY_PARAM_RSA_EXPONENT2));
  CAM_TRY(parts.coefficient, secret_number(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1));
  return ok();
}
}  // namespace

Result<PrivateKeyParts> take_apart(KeyType type, BytesView der) {
  CAM_TRY(const auto key, openssl::parse_pkcs8(type, der));
  PrivateKeyParts parts;
  CAM_TRY(parts.spki, openssl::to_spki(key));
  const auto alg = keystore::public_alg_of(type);  // parse_pkcs8 took key pairs only
  if (crypto::is_rsa(*alg)) {
    CAM_TRY_STATUS(take_rsa_apart(key, parts));
    return parts;
  }
  CAM_TRY(parts.point, public_bytes(key));
  if (type == KeyType::ed25519) {
    CAM_TRY(parts.scalar, seed(key));
  } else {
    CAM_TRY(parts.scalar, secret_number(key, OSSL_PKEY_PARAM_PRIV_KEY, crypto::coordinate_size(*alg)));
  }
  return parts;
}

}  // namespace camvault::keystore_software

// OpenSSL's objects with owners. Private to soft_crypto*.cc.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>

#include "camvault/base/bytes.h"

namespace camvault::se05x_sim::ossl {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <class T, auto Free>
using Own = std::unique_ptr<T, Freer<Free>>;
using Pkey = Own<EVP_PKEY, EVP_PKEY_free>;
using PkeyCtx = Own<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using MdCtx = Own<EVP_MD_CTX, EVP_MD_CTX_free>;
using CipherCtx = Own<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using Number = Own<BIGNUM, BN_free>;
using SecretNumber = Own<BIGNUM, BN_clear_free>;
using NumberCtx = Own<BN_CTX, BN_CTX_free>;
using Group = Own<EC_GROUP, EC_GROUP_free>;
using Point = Own<EC_POINT, EC_POINT_free>;
using ParamBuild = Own<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = Own<OSSL_PARAM, OSSL_PARAM_free>;

inline SecretNumber number(BytesView bytes) {
  return SecretNumber(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}
inline Bytes bytes_of(const BIGNUM* value, std::size_t size) {
  Bytes out(size);
  if (BN_bn2binpad(value, out.data(), static_cast<int>(size)) < 0) return {};
  return out;
}

}  // namespace camvault::se05x_sim::ossl

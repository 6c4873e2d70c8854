// Keys whose numbers begin with zero bytes, which one key in 256 has by chance: what drops such bytes, or
// counts on them, fails then and only then. They are made here of published numbers, as PKCS#8.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <stdexcept>
#include <string>

#include "camvault/base/owned.h"
#include "camvault/base/secret.h"

namespace camvault::conformance {

namespace known {
using Number = Owned<BIGNUM, BN_clear_free>;
using NumberCtx = Owned<BN_CTX, BN_CTX_free>;
using Builder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = Owned<OSSL_PARAM, OSSL_PARAM_free>;

inline void need(bool good) {
  if (!good) throw std::runtime_error("a known key cannot be made");
}

inline Secret pkcs8(const char* algorithm, const Builder& builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  EVP_PKEY* made = nullptr;
  need(EVP_PKEY_fromdata_init(context.get()) == 1 &&
       EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params.get()) == 1);
  const Owned<EVP_PKEY, EVP_PKEY_free> key(made);
  const Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free> info(EVP_PKEY2PKCS8(key.get()));
  unsigned char* der = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der);
  need(size > 0);
  Secret out(BytesView(der, static_cast<std::size_t>(size)));
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  return out;
}
}  // namespace known

// The key of a small secret number: that number begins with zeros in any case.
inline Secret ec_key(const char* curve, unsigned long scalar) {
  using namespace known;
  const Owned<EC_GROUP, EC_GROUP_free> group(EC_GROUP_new_by_curve_name(OBJ_sn2nid(curve)));
  const Owned<EC_POINT, EC_POINT_free> point(EC_POINT_new(group.get()));
  const NumberCtx context(BN_CTX_new());
  const Number number(BN_new());
  need(BN_set_word(number.get(), scalar) == 1 &&
       EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, context.get()) == 1);
  unsigned char bytes[200];
  const auto size = EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, bytes,
                                       sizeof bytes, context.get());
  const Builder builder(OSSL_PARAM_BLD_new());
  need(size > 0 &&
       OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
       OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, bytes, size) == 1 &&
       OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get()) == 1);
  return pkcs8("EC", builder);
}

// RSA-2048 with a first exponent (d mod p-1) of 1016 bits and a coefficient (1/q mod p) of 1015.
inline Secret rsa_key_of_short_numbers() {
  using namespace known;
  constexpr const char* kPrimes[] = {
      "fd8d009250c1904272a49d6203896b9022301e42500f072012f38535fffc33db3abc578b6b755f1fd4208ef15f411065"
      "201862a81537b6d7a6cb187138ecfc81f8d9910f51b97cf69fe52a3433b03e5da86cd0cb3677841fa0fbe0f41ca22dd5"
      "8d75945ea129ba7b9f92c28abd3e2184e52b52754ae1bc6fa9e5e026ac9240c3",
      "d319d4cd1fb181f2262ea42b19fc45f77ae89294a05104ec95aca56ae3fca8fb001b12e4d276abaeb33f84e01b3eaae8"
      "650ca068dcef57ec131472e428eec6a407ae44515d0c8440041f99ec01ec383bee700bf62811cb84dcf507a70b0db892"
      "844c6b28f57b10e8db76c7d8dfcc7c5997bf6d5b354ffefcce84e24bc7af3acd"};
  const NumberCtx context(BN_CTX_new());
  BIGNUM* primes[2] = {};
  need(BN_hex2bn(&primes[0], kPrimes[0]) > 0 && BN_hex2bn(&primes[1], kPrimes[1]) > 0);
  const Number p(primes[0]);
  const Number q(primes[1]);
  const Number p1(BN_dup(p.get()));
  const Number q1(BN_dup(q.get()));
  Number numbers[6];  // n, e, d, dp, dq, qinv
  for (auto& number : numbers) number.reset(BN_new());
  auto& [n, e, d, dp, dq, qinv] = numbers;
  const Number phi(BN_new());
  need(BN_sub_word(p1.get(), 1) == 1 && BN_sub_word(q1.get(), 1) == 1 && BN_set_word(e.get(), 65537) == 1 &&
       BN_mul(n.get(), p.get(), q.get(), context.get()) == 1 &&
       BN_mul(phi.get(), p1.get(), q1.get(), context.get()) == 1 &&
       BN_mod_inverse(d.get(), e.get(), phi.get(), context.get()) != nullptr &&
       BN_nnmod(dp.get(), d.get(), p1.get(), context.get()) == 1 &&
       BN_nnmod(dq.get(), d.get(), q1.get(), context.get()) == 1 &&
       BN_mod_inverse(qinv.get(), q.get(), p.get(), context.get()) != nullptr);
  need(BN_num_bytes(dp.get()) == 127 && BN_num_bytes(qinv.get()) == 127);
  const std::pair<const char*, const BIGNUM*> parts[] = {
      {OSSL_PKEY_PARAM_RSA_N, n.get()},          {OSSL_PKEY_PARAM_RSA_E, e.get()},
      {OSSL_PKEY_PARAM_RSA_D, d.get()},          {OSSL_PKEY_PARAM_RSA_FACTOR1, p.get()},
      {OSSL_PKEY_PARAM_RSA_FACTOR2, q.get()},    {OSSL_PKEY_PARAM_RSA_EXPONENT1, dp.get()},
      {OSSL_PKEY_PARAM_RSA_EXPONENT2, dq.get()}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qinv.get()}};
  const Builder builder(OSSL_PARAM_BLD_new());
  for (const auto& [name, value] : parts) need(OSSL_PARAM_BLD_push_BN(builder.get(), name, value) == 1);
  return pkcs8("RSA", builder);
}
// Its PKCS#1 v1.5 signature with SHA-256 over this begins with a zero byte.
inline constexpr const char* kMessageOfShortSignature = "message 408";

}  // namespace camvault::conformance

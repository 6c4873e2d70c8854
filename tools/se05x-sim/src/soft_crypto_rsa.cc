// RSA: generation, signatures over messages, the raw operation.
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "ossl.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

using namespace ossl;

namespace {
tl::unexpected<Error> no() {
  return fail(Errc::invalid, "the key or the data does not fit");
}

struct Scheme {
  std::uint8_t alg;
  const char* digest;
  bool pss;
};
constexpr Scheme kSchemes[] = {{0x28, "SHA256", false}, {0x29, "SHA384", false}, {0x2A, "SHA512", false},
                               {0x2C, "SHA256", true},  {0x2D, "SHA384", true},  {0x2E, "SHA512", true}};

const Scheme* scheme_of(std::uint8_t alg) {
  const auto* found = std::find_if(std::begin(kSchemes), std::end(kSchemes),
                                   [&](const Scheme& scheme) { return scheme.alg == alg; });
  return found == std::end(kSchemes) ? nullptr : found;
}

Pkey to_pkey(const RsaKey& key) {
  const std::pair<const char*, const Bytes*> parts[] = {
      {OSSL_PKEY_PARAM_RSA_N, &key.n},          {OSSL_PKEY_PARAM_RSA_E, &key.e},
      {OSSL_PKEY_PARAM_RSA_D, &key.d},          {OSSL_PKEY_PARAM_RSA_FACTOR1, &key.p},
      {OSSL_PKEY_PARAM_RSA_FACTOR2, &key.q},    {OSSL_PKEY_PARAM_RSA_EXPONENT1, &key.dp},
      {OSSL_PKEY_PARAM_RSA_EXPONENT2, &key.dq}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &key.qinv}};
  const ParamBuild build(OSSL_PARAM_BLD_new());
  std::array<SecretNumber, std::size(parts)> numbers;
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    if (parts[i].second->empty()) continue;
    numbers[i] = number(*parts[i].second);
    if (OSSL_PARAM_BLD_push_BN(build.get(), parts[i].first, numbers[i].get()) != 1) return nullptr;
  }
  const Params parameters(OSSL_PARAM_BLD_to_param(build.get()));
  const PkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* out = nullptr;
  if (!context || !parameters || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &out, key.d.empty() ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR,
                        parameters.get()) != 1)
    return nullptr;
  return Pkey(out);
}

Bytes part(const Pkey& key, const char* name, std::size_t size) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key.get(), name, &value) != 1) return {};
  const SecretNumber owner(value);
  return bytes_of(value, size);
}

// The message is hashed inside, as the applet does it.
MdCtx prepared(const Pkey& key, const Scheme& scheme, bool sign) {
  MdCtx context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* inner = nullptr;
  const int good =
      sign ? EVP_DigestSignInit_ex(context.get(), &inner, scheme.digest, nullptr, nullptr, key.get(), nullptr)
           : EVP_DigestVerifyInit_ex(context.get(), &inner, scheme.digest, nullptr, nullptr, key.get(),
                                     nullptr);
  if (good != 1) return nullptr;
  if (scheme.pss && (EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) != 1 ||
                     EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, RSA_PSS_SALTLEN_DIGEST) != 1))
    return nullptr;
  return context;
}
}  // namespace

Result<RsaKey> rsa_generate(unsigned bits) {
  const Pkey key(EVP_RSA_gen(static_cast<std::size_t>(bits)));
  if (!key) return no();
  const std::size_t size = bits / 8;
  const std::size_t half = size / 2;
  return RsaKey{
      part(key, OSSL_PKEY_PARAM_RSA_N, size),         {1, 0, 1},
      part(key, OSSL_PKEY_PARAM_RSA_D, size),         part(key, OSSL_PKEY_PARAM_RSA_FACTOR1, half),
      part(key, OSSL_PKEY_PARAM_RSA_FACTOR2, half),   part(key, OSSL_PKEY_PARAM_RSA_EXPONENT1, half),
      part(key, OSSL_PKEY_PARAM_RSA_EXPONENT2, half), part(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, half)};
}

Result<RsaKey> rsa_complete(RsaKey key) {
  if (key.p.empty() || !key.d.empty()) return key;
  // d = e^-1 mod lcm(p-1, q-1); phi does as well.
  const NumberCtx context(BN_CTX_new());
  const auto p = number(key.p);
  const auto q = number(key.q);
  const auto e = number(key.e);
  const SecretNumber p1(BN_dup(p.get()));
  const SecretNumber q1(BN_dup(q.get()));
  const SecretNumber phi(BN_new());
  const SecretNumber n(BN_new());
  const SecretNumber d(BN_new());
  if (BN_mul(n.get(), p.get(), q.get(), context.get()) != 1 || BN_sub_word(p1.get(), 1) != 1 ||
      BN_sub_word(q1.get(), 1) != 1 || BN_mul(phi.get(), p1.get(), q1.get(), context.get()) != 1 ||
      BN_mod_inverse(d.get(), e.get(), phi.get(), context.get()) == nullptr)
    return no();
  const auto size = static_cast<std::size_t>(BN_num_bytes(n.get()));
  if (!key.n.empty() && number(key.n) && BN_cmp(number(key.n).get(), n.get()) != 0) return no();
  key.n = bytes_of(n.get(), size);
  key.d = bytes_of(d.get(), size);
  const auto pkey = to_pkey(key);
  const PkeyCtx check(pkey ? EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr) : nullptr);
  if (!check || EVP_PKEY_check(check.get()) != 1) return no();
  return key;
}

Result<Bytes> rsa_sign(const RsaKey& key, std::uint8_t alg, BytesView message) {
  const auto* scheme = scheme_of(alg);
  const auto pkey = scheme != nullptr && !key.d.empty() ? to_pkey(key) : nullptr;
  const auto context = pkey ? prepared(pkey, *scheme, true) : nullptr;
  Bytes out(key.n.size());
  std::size_t size = out.size();
  if (!context || EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) != 1)
    return no();
  out.resize(size);
  return out;
}

Result<bool> rsa_verify(const RsaKey& key, std::uint8_t alg, BytesView message, BytesView signature) {
  const auto* scheme = scheme_of(alg);
  const auto pkey = scheme != nullptr ? to_pkey({key.n, key.e, {}, {}, {}, {}, {}, {}}) : nullptr;
  const auto context = pkey ? prepared(pkey, *scheme, false) : nullptr;
  if (!context) return no();
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

Result<Bytes> rsa_crypt(const RsaKey& key, RsaCipher padding, BytesView data, bool encrypt) {
  const int mode = padding == RsaCipher::none    ? RSA_NO_PADDING
                   : padding == RsaCipher::pkcs1 ? RSA_PKCS1_PADDING
                                                 : RSA_PKCS1_OAEP_PADDING;
  const auto pkey = to_pkey(key);
  const PkeyCtx context(pkey ? EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr) : nullptr);
  if (!context ||
      (encrypt ? EVP_PKEY_encrypt_init(context.get()) : EVP_PKEY_decrypt_init(context.get())) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), mode) != 1)
    return no();
  Bytes out(key.n.size());
  std::size_t size = out.size();
  const int good = encrypt ? EVP_PKEY_encrypt(context.get(), out.data(), &size, data.data(), data.size())
                           : EVP_PKEY_decrypt(context.get(), out.data(), &size, data.data(), data.size());
  if (good != 1) return no();
  out.resize(size);
  return out;
}

}  // namespace camvault::se05x_sim

#include "openssl.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <string>

#include "camvault/base/owned.h"

namespace camvault::keystore_software::openssl {

using crypto::HashAlg;
using crypto::SignatureScheme;

namespace {
using PkeyCtx = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using MdCtx = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using CipherCtx = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using KdfCtx = Owned<EVP_KDF_CTX, EVP_KDF_CTX_free>;
using Pkcs8 = Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;

// OpenSSL's queue of reasons is per thread: emptied, and the first reason given to the operator. It names
// functions and causes, never key bytes.
tl::unexpected<Error> fail_openssl(Errc code, std::string_view what) {
  const auto reason = ERR_get_error();
  ERR_clear_error();
  const char* text = reason == 0 ? nullptr : ERR_reason_error_string(reason);
  return fail(code, std::string(what) + (text == nullptr ? "" : std::string(": ") + text));
}

const EVP_MD* md_of(HashAlg hash) {
  switch (hash) {
    case HashAlg::sha256:
      return EVP_sha256();
    case HashAlg::sha384:
      return EVP_sha384();
    case HashAlg::sha512:
      return EVP_sha512();
  }
  return nullptr;
}

struct Kind {
  const char* algorithm;
  const char* group;  // EC
  int bits;           // RSA
};

std::optional<Kind> kind_of(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
      return Kind{"EC", "prime256v1", 0};
    case KeyType::ec_p384:
      return Kind{"EC", "secp384r1", 0};
    case KeyType::ec_p521:
      return Kind{"EC", "secp521r1", 0};
    case KeyType::rsa_2048:
      return Kind{"RSA", nullptr, 2048};
    case KeyType::rsa_3072:
      return Kind{"RSA", nullptr, 3072};
    case KeyType::rsa_4096:
      return Kind{"RSA", nullptr, 4096};
    case KeyType::ed25519:
      return Kind{"ED25519", nullptr, 0};
    case KeyType::ecdh_p256:
      return kind_of(KeyType::ec_p256);
    case KeyType::ecdh_p384:
      return kind_of(KeyType::ec_p384);
    case KeyType::aes_256:
    case KeyType::hmac_sha256:
    case KeyType::secret:
    case KeyType::counter:
      return std::nullopt;
  }
  return std::nullopt;
}

bool text_param_is(const EVP_PKEY* key, const char* name, std::string_view expected) {
  char text[64] = {};
  std::size_t size = 0;
  return EVP_PKEY_get_utf8_string_param(key, name, text, sizeof text, &size) == 1 &&
         std::string_view(text, size) == expected;
}

bool has_good_rsa_exponent(const EVP_PKEY* key) {
  BIGNUM* e = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1) return false;
  const Owned<BIGNUM, BN_free> owner(e);
  // FIPS 186-5, 5.4: odd, above 2^16. The upper bound keeps verification cheap for everybody.
  return BN_is_odd(e) == 1 && BN_num_bits(e) > 16 && BN_num_bits(e) <= 64;
}

bool is_of_kind(const EVP_PKEY* key, const Kind& kind) {
  if (EVP_PKEY_is_a(key, kind.algorithm) != 1) return false;
  if (kind.group != nullptr) {
    // Curves by name only: explicit parameters have been used to pass off weak curves (CVE-2020-0601).
    return text_param_is(key, OSSL_PKEY_PARAM_GROUP_NAME, kind.group) &&
           text_param_is(key, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_GROUP);
  }
  if (kind.bits != 0) return EVP_PKEY_get_bits(key) == kind.bits && has_good_rsa_exponent(key);
  return true;
}
}  // namespace

void FreePkey::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

bool init_locked_heap(std::size_t bytes) {
  // 1: allocated and locked; 2: allocated, but mlock was refused.
  return CRYPTO_secure_malloc_init(bytes, 32) == 1;
}

Result<Pkey> generate(KeyType type) {
  const auto kind = kind_of(type);
  if (!kind) return fail(Errc::usage, "no key pair of that type");
  Pkey key(kind->group != nullptr ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kind->group)
           : kind->bits != 0
               ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(kind->bits))
               : EVP_PKEY_Q_keygen(nullptr, nullptr, kind->algorithm));
  if (key == nullptr) return fail_openssl(Errc::internal, "cannot make a key");
  return key;
}

Result<Pkey> parse_own_pkcs8(BytesView der) {
  const auto* at = der.data();
  const Pkcs8 info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  if (info == nullptr || at != der.data() + der.size())
    return fail_openssl(Errc::invalid, "not one PKCS#8 structure");
  Pkey key(EVP_PKCS82PKEY(info.get()));
  if (key == nullptr) return fail_openssl(Errc::invalid, "not a private key");
  return key;
}

Result<Pkey> parse_pkcs8(KeyType type, BytesView der) {
  const auto kind = kind_of(type);
  if (!kind) return fail(Errc::usage, "no key pair of that type");
  CAM_TRY(auto key, parse_own_pkcs8(der));
  if (!is_of_kind(key.get(), *kind)) return fail(Errc::invalid, "the private key is of another type");
  const PkeyCtx ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (ctx == nullptr) return fail_openssl(Errc::internal, "no context");
  // Ed25519 in OpenSSL 3.0 checks nothing but that both halves belong together.
  if (EVP_PKEY_pairwise_check(ctx.get()) != 1)
    return fail_openssl(Errc::invalid, "the halves of the key do not fit");
  if (type != KeyType::ed25519 && EVP_PKEY_check(ctx.get()) != 1)
    return fail_openssl(Errc::invalid, "the key's numbers are bad");
  return key;
}

Result<Secret> to_pkcs8(const Pkey& key) {
  const Pkcs8 info(EVP_PKEY2PKCS8(key.get()));
  if (info == nullptr) return fail_openssl(Errc::internal, "cannot encode a private key");
  unsigned char* out = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &out);
  if (size <= 0) return fail_openssl(Errc::internal, "cannot encode a private key");
  Secret secret{BytesView(out, static_cast<std::size_t>(size))};
  OPENSSL_clear_free(out, static_cast<std::size_t>(size));
  return secret;
}

Result<Bytes> to_spki(const Pkey& key) {
  unsigned char* out = nullptr;
  const int size = i2d_PUBKEY(key.get(), &out);
  if (size <= 0) return fail_openssl(Errc::internal, "cannot encode a public key");
  Bytes spki(out, out + size);
  OPENSSL_free(out);
  return spki;
}

Result<Bytes> sign_digest(const Pkey& key, SignatureScheme scheme, HashAlg hash, BytesView digest) {
  const PkeyCtx ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (ctx == nullptr || EVP_PKEY_sign_init(ctx.get()) != 1)
    return fail_openssl(Errc::unsupported, "the key does not sign digests");
  const bool ready = [&] {
    switch (scheme) {
      case SignatureScheme::ecdsa:
        break;
      case SignatureScheme::rsa_pss:
        // RFC 8017, 9.1: the salt is as long as the hash, which is what TLS 1.3 and COSE demand.
        if (EVP_PKEY_CTX_set_rsa_padding(ctx.get(), RSA_PKCS1_PSS_PADDING) != 1) return false;
        if (EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx.get(), RSA_PSS_SALTLEN_DIGEST) != 1) return false;
        break;
      case SignatureScheme::rsa_pkcs1v15:
        if (EVP_PKEY_CTX_set_rsa_padding(ctx.get(), RSA_PKCS1_PADDING) != 1) return false;
        break;
      case SignatureScheme::ed25519:
        return false;  // signs messages
    }
    return EVP_PKEY_CTX_set_signature_md(ctx.get(), md_of(hash)) == 1;
  }();
  if (!ready) return fail_openssl(Errc::unsupported, "the key does not have that scheme");
  Bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
  std::size_t size = signature.size();
  if (EVP_PKEY_sign(ctx.get(), signature.data(), &size, digest.data(), digest.size()) != 1) {
    return fail_openssl(Errc::internal, "cannot sign");
  }
  signature.resize(size);
  return signature;
}

Result<Bytes> sign_ed25519(const Pkey& key, BytesView message) {
  const MdCtx ctx(EVP_MD_CTX_new());
  if (ctx == nullptr || EVP_DigestSignInit(ctx.get(), nullptr, nullptr, nullptr, key.get()) != 1) {
    return fail_openssl(Errc::unsupported, "the key does not sign messages");
  }
  Bytes signature(64);
  std::size_t size = signature.size();
  if (EVP_DigestSign(ctx.get(), signature.data(), &size, message.data(), message.size()) != 1) {
    return fail_openssl(Errc::internal, "cannot sign");
  }
  signature.resize(size);
  return signature;
}

Result<crypto::Digest> digest(HashAlg hash, BytesView message) {
  crypto::Digest out;
  unsigned size = 0;
  if (EVP_Digest(message.data(), message.size(), out.bytes.data(), &size, md_of(hash), nullptr) != 1) {
    return fail_openssl(Errc::internal, "cannot hash");
  }
  out.size = static_cast<std::uint8_t>(size);
  return out;
}

namespace {
// Sizes are bounded by the frame limit long before they reach int.
bool gcm_start(EVP_CIPHER_CTX* ctx, int encrypt, BytesView key, BytesView nonce, BytesView additional) {
  int n = 0;
  return key.size() == kGcmKey && nonce.size() == kGcmNonce &&
         EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), nullptr, key.data(), nonce.data(), encrypt) == 1 &&
         (additional.empty() ||
          EVP_CipherUpdate(ctx, nullptr, &n, additional.data(), static_cast<int>(additional.size())) == 1);
}
}  // namespace

Result<Bytes> gcm_seal(BytesView key, BytesView nonce, BytesView additional, BytesView plain) {
  const CipherCtx ctx(EVP_CIPHER_CTX_new());
  if (ctx == nullptr || !gcm_start(ctx.get(), 1, key, nonce, additional))
    return fail_openssl(Errc::internal, "cannot encrypt");
  Bytes out(plain.size() + kGcmTag);
  int n = 0;
  int last = 0;
  if ((!plain.empty() &&
       EVP_CipherUpdate(ctx.get(), out.data(), &n, plain.data(), static_cast<int>(plain.size())) != 1) ||
      EVP_CipherFinal_ex(ctx.get(), out.data() + n, &last) != 1 ||
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kGcmTag),
                          out.data() + plain.size()) != 1) {
    return fail_openssl(Errc::internal, "cannot encrypt");
  }
  return out;
}

Result<Secret> gcm_open(BytesView key, BytesView nonce, BytesView additional, BytesView sealed) {
  if (sealed.size() < kGcmTag) return fail(Errc::invalid, "sealed data is too short");
  const auto text = sealed.first(sealed.size() - kGcmTag);
  Bytes tag = to_bytes(sealed.last(kGcmTag));
  const CipherCtx ctx(EVP_CIPHER_CTX_new());
  if (ctx == nullptr || !gcm_start(ctx.get(), 0, key, nonce, additional))
    return fail_openssl(Errc::internal, "cannot decrypt");
  bool good = false;
  auto plain = Secret::make(text.size(), [&](std::span<std::uint8_t> out) {
    int n = 0;
    int last = 0;
    std::uint8_t nothing[16];
    good = (text.empty() ||
            EVP_CipherUpdate(ctx.get(), out.data(), &n, text.data(), static_cast<int>(text.size())) == 1) &&
           EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kGcmTag), tag.data()) == 1 &&
           EVP_CipherFinal_ex(ctx.get(), nothing, &last) == 1;
  });
  ERR_clear_error();
  if (!good) return fail(Errc::invalid, "sealed data does not authenticate");
  return plain;
}

crypto::Digest sha256(BytesView message) {
  crypto::Digest out;
  unsigned size = 0;
  // FIPS 180-4; OpenSSL can fail here only without memory, and an empty digest fits no statement.
  if (EVP_Digest(message.data(), message.size(), out.bytes.data(), &size, EVP_sha256(), nullptr) == 1)
    out.size = static_cast<std::uint8_t>(size);
  return out;
}

Result<Bytes> hmac_sha256(BytesView key, BytesView message) {
  Bytes tag(32);
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), tag.data(),
           &size) == nullptr) {
    return fail_openssl(Errc::internal, "cannot compute a MAC");
  }
  return tag;
}

Result<Secret> hkdf_sha256(BytesView key, BytesView salt, BytesView info, std::size_t size) {
  const Owned<EVP_KDF, EVP_KDF_free> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const KdfCtx ctx(EVP_KDF_CTX_new(kdf.get()));
  if (ctx == nullptr) return fail_openssl(Errc::internal, "no HKDF");
  char hash[] = "SHA256";
  const auto octets = [](const char* name, BytesView bytes) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()), bytes.size());
  };
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
                               octets(OSSL_KDF_PARAM_KEY, key), octets(OSSL_KDF_PARAM_SALT, salt),
                               octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  bool good = false;
  auto out = Secret::make(size, [&](std::span<std::uint8_t> room) {
    good = EVP_KDF_derive(ctx.get(), room.data(), room.size(), params) == 1;
  });
  if (!good) return fail_openssl(Errc::internal, "cannot derive a key");
  return out;
}

Status random(std::span<std::uint8_t> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    return fail_openssl(Errc::internal, "no random numbers");
  return ok();
}

Status random_private(std::span<std::uint8_t> out) {
  if (RAND_priv_bytes(out.data(), static_cast<int>(out.size())) != 1)
    return fail_openssl(Errc::internal, "no random numbers");
  return ok();
}

}  // namespace camvault::keystore_software::openssl

#include "public_key.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include <mutex>
#include <string_view>

#include "digest.h"
#include "p256_table.h"

namespace camvault::crypto_openssl {

using crypto::Digest;
using crypto::HashAlg;
using crypto::KeyAlg;
using crypto::SignatureScheme;

namespace {
constexpr std::size_t kMaxSpkiSize = 4 * 1024;  // RSA-8192 needs 1.1 kB
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // verification time grows with the square

Result<KeyAlg> rsa_alg(const EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kMinRsaBits || bits > kMaxRsaBits)
    return fail(Errc::unsupported, "RSA key of a size outside 2048 to 8192 bits");
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &raw) != 1)
    return fail(Errc::malformed, "RSA key without exponent");
  const BigNumber exponent(raw);
  // An exponent of 1 makes every message its own signature; FIPS 186-5 A.1.1 wants it odd. Past 64 bits only
  // slow.
  if (!BN_is_odd(raw) || BN_is_one(raw) || BN_num_bits(raw) > 64)
    return fail(Errc::unsupported, "RSA exponent");
  return bits < 2560 ? KeyAlg::rsa_2048 : bits < 3584 ? KeyAlg::rsa_3072 : KeyAlg::rsa_4096;
}

Result<KeyAlg> ec_alg(const EVP_PKEY* key) {
  // RFC 5480 2.1.1: named curves only. Explicit parameters let an attacker choose the generator
  // (CVE-2020-0601).
  int is_explicit = 0;
  if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) == 1 &&
      is_explicit != 0) {
    return fail(Errc::unsupported, "EC key with explicit curve parameters");
  }
  char name[64];
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &size) != 1)
    return fail(Errc::unsupported, "EC key without a named curve");
  const std::string_view curve(name, size);
  if (curve == SN_X9_62_prime256v1) return KeyAlg::ec_p256;
  if (curve == SN_secp384r1) return KeyAlg::ec_p384;
  if (curve == SN_secp521r1) return KeyAlg::ec_p521;
  return fail(Errc::unsupported, "EC key on a curve other than P-256, P-384 and P-521");
}

class EvpPublicKey final : public crypto::PublicKey {
 public:
  EvpPublicKey(EvpKey key, KeyAlg alg, Bytes spki)
      : key_(std::move(key)), alg_(alg), spki_(std::move(spki)) {}

  KeyAlg alg() const override { return alg_; }
  Bytes spki_der() const override { return spki_; }

  bool verify_digest(SignatureScheme scheme, HashAlg hash, const Digest& digest,
                     BytesView signature) const override {
    if (digest.size != crypto::digest_size(hash)) return false;
    if (verify_once(scheme, hash, hash, digest, signature)) return true;
    // ONVIF's reference signer keeps MGF1 at SHA-256 whatever the hash. RFC 8017 8.1 allows it, and the
    // parameters of a bare signature are written nowhere, so the second usual choice is tried.
    return scheme == SignatureScheme::rsa_pss && hash != HashAlg::sha256 &&
           verify_once(scheme, hash, HashAlg::sha256, digest, signature);
  }

  bool verify_message(BytesView message, BytesView signature) const override {
    if (alg_ != KeyAlg::ed25519) return false;
    const EvpMdCtx context(EVP_MD_CTX_new());
    const bool good =
        context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
        EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) ==
            1;
    clear_errors();
    return good;
  }

 private:
  bool verify_once(SignatureScheme scheme, HashAlg hash, HashAlg mgf1, const Digest& digest,
                   BytesView signature) const {
    const bool fits = scheme == SignatureScheme::ecdsa ? crypto::is_ecdsa(alg_)
                      : scheme == SignatureScheme::rsa_pss || scheme == SignatureScheme::rsa_pkcs1v15
                          ? crypto::is_rsa(alg_)
                          : false;
    if (!fits) return false;
    if (alg_ == KeyAlg::ec_p256) {
      // A no is left to OpenSSL: what is accused of being forged was looked at twice.
      if (const auto table = table_if_used_often(); table && verifies(*table, digest, signature)) return true;
    }
    const Way way{scheme, hash, mgf1};
    auto context = take_context(way);
    const bool good = context && EVP_PKEY_verify(context.get(), signature.data(), signature.size(),
                                                 digest.bytes.data(), digest.size) == 1;
    clear_errors();
    give_back(way, std::move(context));
    return good;
  }

  // The table takes as long as some fifteen signatures verified without it.
  static constexpr int kOften = 32;

  std::shared_ptr<const P256Table> table_if_used_often() const {
    {
      const std::lock_guard lock(mutex_);
      if (table_ || uses_ > kOften) return table_;
      if (++uses_ <= kOften) return nullptr;
    }
    auto table = make_table();  // by one thread; the others go on without it
    const std::lock_guard lock(mutex_);
    table_ = table;
    return table;
  }

  std::shared_ptr<const P256Table> make_table() const {
    P256Number point[2];
    const char* const names[2] = {OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y};
    for (int i = 0; i < 2; ++i) {
      BIGNUM* raw = nullptr;
      const bool there = EVP_PKEY_get_bn_param(key_.get(), names[i], &raw) == 1;
      const BigNumber number(raw);
      if (!there || !write_number(number.get(), point[i])) return nullptr;
    }
    return P256Table::of(point[0], point[1]);
  }

  static bool write_number(const BIGNUM* number, P256Number& out) {
    constexpr int kSize = 32;
    return BN_is_negative(number) == 0 && BN_num_bytes(number) <= kSize &&
           BN_bn2binpad(number, out.data(), kSize) == kSize;
  }

  static bool verifies(const P256Table& table, const Digest& digest, BytesView signature) {
    const auto* cursor = signature.data();
    const Owned<ECDSA_SIG, ECDSA_SIG_free> numbers(
        d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(signature.size())));
    // One signature has one encoding, as OpenSSL wants it, too.
    if (!numbers || !equal(der_of(numbers.get(), i2d_ECDSA_SIG), signature)) {
      clear_errors();
      return false;
    }
    P256Number r;
    P256Number s;
    return write_number(ECDSA_SIG_get0_r(numbers.get()), r) &&
           write_number(ECDSA_SIG_get0_s(numbers.get()), s) && table.verifies(digest.view(), r, s);
  }

  struct Way {
    SignatureScheme scheme = SignatureScheme::ecdsa;
    HashAlg hash = HashAlg::sha256;
    HashAlg mgf1 = HashAlg::sha256;
    bool operator==(const Way&) const = default;
  };

  // A camera's signatures come one after the other and are alike: the context of the last one serves the
  // next. Looking an algorithm up takes OpenSSL 3 several microseconds and some locks. Threads that verify at
  // the same time make contexts of their own.
  EvpKeyCtx take_context(const Way& way) const {
    {
      const std::lock_guard lock(mutex_);
      if (spare_ && spare_way_ == way) return std::move(spare_);
    }
    EvpKeyCtx context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    if (!context || EVP_PKEY_verify_init(context.get()) != 1 ||
        !set_scheme(context.get(), way.scheme, way.hash, way.mgf1, RSA_PSS_SALTLEN_AUTO)) {
      return nullptr;
    }
    return context;
  }

  void give_back(const Way& way, EvpKeyCtx context) const {
    const std::lock_guard lock(mutex_);
    if (spare_ && spare_way_ != way) spare_.reset();
    if (spare_) return;
    spare_way_ = way;
    spare_ = std::move(context);
  }

  EvpKey key_;
  KeyAlg alg_;
  Bytes spki_;
  mutable std::mutex mutex_;
  mutable EvpKeyCtx spare_;
  mutable Way spare_way_;
  mutable int uses_ = 0;
  mutable std::shared_ptr<const P256Table> table_;
};
}  // namespace

namespace {
// SubjectPublicKeyInfo of RFC 5480 2 for P-256 up to the point: two object identifiers and the BIT STRING's
// header.
constexpr std::uint8_t kP256Header[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                        0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};

// A seventh of the time of OpenSSL 3.0's decoders, which try every format they know. A point that is not on
// the curve is refused here as well.
Result<EvpKey> p256_key(BytesView point) {
  const EvpKeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  std::string group = SN_X9_62_prime256v1;
  auto bytes = to_bytes(point);
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bytes.data(), bytes.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* raw = nullptr;
  clear_errors();
  const bool good = context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, parameters) == 1;
  EvpKey key(raw);
  clear_errors();
  if (!good) return fail(Errc::malformed, "not a point on P-256");
  return key;
}
}  // namespace

bool set_scheme(EVP_PKEY_CTX* context, SignatureScheme scheme, HashAlg hash, HashAlg mgf1,
                int pss_salt_length) {
  if (EVP_PKEY_CTX_set_signature_md(context, evp_md(hash)) <= 0) return false;
  switch (scheme) {
    case SignatureScheme::ecdsa:
      return true;
    case SignatureScheme::rsa_pkcs1v15:
      return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
    case SignatureScheme::rsa_pss:
      return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(context, evp_md(mgf1)) > 0 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(context, pss_salt_length) > 0;
    case SignatureScheme::ed25519:
      return false;  // signs messages, not digests
  }
  return false;
}

Result<KeyAlg> key_alg_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1) return rsa_alg(key);
  if (EVP_PKEY_is_a(key, "EC") == 1) return ec_alg(key);
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyAlg::ed25519;
  return fail(Errc::unsupported, "public key of a kind other than EC, RSA and Ed25519");
}

BytesView p256_point(BytesView spki) {
  constexpr std::size_t kPoint = 65;
  if (spki.size() != sizeof kP256Header + kPoint || !equal(spki.first(sizeof kP256Header), kP256Header))
    return {};
  const auto point = spki.last(kPoint);
  constexpr std::uint8_t kUncompressed = 0x04;
  return point[0] == kUncompressed ? point : BytesView();
}

Result<std::shared_ptr<const crypto::PublicKey>> wrap_public_key(EvpKey key, BytesView spki) {
  CAM_TRY(const auto alg, key_alg_of(key.get()));
  // The usual form is its own DER; others are written anew, so that one key has one encoding.
  auto der = p256_point(spki).empty() ? der_of(key.get(), i2d_PUBKEY) : to_bytes(spki);
  if (der.empty()) return fail(Errc::malformed, "public key that cannot be encoded");
  return std::make_shared<const EvpPublicKey>(std::move(key), alg, std::move(der));
}

Result<std::shared_ptr<const crypto::PublicKey>> wrap_public_key(EvpKey key, X509_PUBKEY* encoded) {
  return wrap_public_key(std::move(key), der_of(encoded, i2d_X509_PUBKEY));
}

Result<EvpKey> evp_key_from_spki(BytesView der) {
  if (der.size() > kMaxSpkiSize) return fail(Errc::limit, "public key longer than 4096 bytes");
  if (const auto point = p256_point(der); !point.empty()) return p256_key(point);
  clear_errors();
  const auto* cursor = der.data();
  EvpKey key(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(der.size())));
  clear_errors();
  if (!key || cursor != der.data() + der.size()) return fail(Errc::malformed, "not a SubjectPublicKeyInfo");
  return key;
}

Result<std::shared_ptr<const crypto::PublicKey>> public_key_from_spki(BytesView der) {
  CAM_TRY(auto key, evp_key_from_spki(der));
  return wrap_public_key(std::move(key), der);
}

}  // namespace camvault::crypto_openssl

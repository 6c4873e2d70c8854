// Elliptic curves.
#include <openssl/obj_mac.h>
#include <openssl/x509.h>

#include <algorithm>

#include "ossl.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

using namespace ossl;

namespace {
tl::unexpected<Error> no() {
  return fail(Errc::invalid, "the key or the data does not fit");
}

int nid(Curve curve) {
  switch (curve) {
    case Curve::p256:
      return NID_X9_62_prime256v1;
    case Curve::p384:
      return NID_secp384r1;
    case Curve::p521:
      return NID_secp521r1;
    default:
      return NID_undef;
  }
}
const char* name_of(Curve curve) {
  return curve == Curve::p256 ? "P-256" : curve == Curve::p384 ? "P-384" : "P-521";
}

Bytes uncompressed(const EC_GROUP* group, const EC_POINT* point, std::size_t field) {
  Bytes out(1 + 2 * field);
  const auto size =
      EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out.data(), out.size(), nullptr);
  if (size != out.size()) return {};
  return out;
}

Pkey raw_key(const EcKey& key, bool is_private) {
  const int type = key.curve == Curve::ed25519 ? EVP_PKEY_ED25519 : EVP_PKEY_X25519;
  return Pkey(is_private ? EVP_PKEY_new_raw_private_key(type, nullptr, key.scalar.data(), key.scalar.size())
                         : EVP_PKEY_new_raw_public_key(type, nullptr, key.point.data(), key.point.size()));
}

Pkey to_pkey(const EcKey& key) {
  if (is_twisted(key.curve)) return raw_key(key, !key.scalar.empty());
  const ParamBuild build(OSSL_PARAM_BLD_new());
  const auto scalar = number(key.scalar);
  if (!build ||
      OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, name_of(key.curve), 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, key.point.data(),
                                       key.point.size()) != 1)
    return nullptr;
  if (!key.scalar.empty() && OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) != 1)
    return nullptr;
  const Params parameters(OSSL_PARAM_BLD_to_param(build.get()));
  const PkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* out = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &out, key.scalar.empty() ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR,
                        parameters.get()) != 1)
    return nullptr;
  return Pkey(out);
}
}  // namespace

bool is_twisted(Curve curve) {
  return curve == Curve::ed25519 || curve == Curve::x25519;
}

std::size_t field_size(Curve curve) {
  return curve == Curve::p384 ? 48 : curve == Curve::p521 ? 66 : 32;
}

Result<EcKey> ec_generate(Curve curve) {
  for (int i = 0; i < 100; ++i) {  // a random number is a scalar nearly always
    EcKey key{curve, random_bytes(field_size(curve)), {}};
    if (curve == Curve::p521) key.scalar[0] &= 1;
    if (auto complete = ec_complete(std::move(key))) return complete;
  }
  return fail(Errc::internal, "no key could be made");
}

Result<EcKey> ec_complete(EcKey key) {
  if (is_twisted(key.curve)) {
    if (!key.scalar.empty()) {
      const auto pair = raw_key(key, true);
      Bytes point(32);
      std::size_t size = point.size();
      if (!pair || EVP_PKEY_get_raw_public_key(pair.get(), point.data(), &size) != 1) return no();
      if (!key.point.empty() && key.point != point) return no();
      key.point = std::move(point);
    }
    if (key.point.size() != 32) return no();
    return key;
  }
  const Group group(EC_GROUP_new_by_curve_name(nid(key.curve)));
  if (!group) return no();
  const Point point(EC_POINT_new(group.get()));
  if (!key.scalar.empty()) {
    const auto scalar = number(key.scalar);
    if (key.scalar.size() != field_size(key.curve) || BN_is_zero(scalar.get()) ||
        BN_cmp(scalar.get(), EC_GROUP_get0_order(group.get())) >= 0 ||
        EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, nullptr) != 1)
      return no();
    auto derived = uncompressed(group.get(), point.get(), field_size(key.curve));
    if (!key.point.empty() && key.point != derived) return no();
    key.point = std::move(derived);
    return key;
  }
  if (key.point.size() != 1 + 2 * field_size(key.curve) ||
      EC_POINT_oct2point(group.get(), point.get(), key.point.data(), key.point.size(), nullptr) != 1)
    return no();
  return key;
}

Result<Bytes> ecdsa_sign(const EcKey& key, BytesView digest) {
  const auto pkey = to_pkey(key);
  const PkeyCtx context(pkey ? EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr) : nullptr);
  Bytes out(160);
  std::size_t size = out.size();
  if (!context || key.scalar.empty() || EVP_PKEY_sign_init(context.get()) != 1 ||
      EVP_PKEY_sign(context.get(), out.data(), &size, digest.data(), digest.size()) != 1)
    return no();
  out.resize(size);
  return out;
}

Result<bool> ecdsa_verify(const EcKey& key, BytesView digest, BytesView signature) {
  const auto pkey = to_pkey({key.curve, {}, key.point});
  const PkeyCtx context(pkey ? EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr) : nullptr);
  if (!context || EVP_PKEY_verify_init(context.get()) != 1) return no();
  return EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(), digest.size()) ==
         1;
}

Result<Bytes> ed25519_sign(const EcKey& key, BytesView message) {
  const auto pkey = to_pkey(key);
  const MdCtx context(EVP_MD_CTX_new());
  Bytes out(64);
  std::size_t size = out.size();
  if (!pkey || key.scalar.empty() ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) != 1 ||
      EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) != 1)
    return no();
  return out;
}

Result<bool> ed25519_verify(const EcKey& key, BytesView message, BytesView signature) {
  const auto pkey = to_pkey({key.curve, {}, key.point});
  const MdCtx context(EVP_MD_CTX_new());
  if (!pkey || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) != 1) return no();
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

Result<Bytes> ecdh(const EcKey& key, BytesView peer) {
  CAM_TRY(const auto other, ec_complete({key.curve, {}, to_bytes(peer)}));
  const auto mine = to_pkey(key);
  const auto theirs = to_pkey(other);
  const PkeyCtx context(mine ? EVP_PKEY_CTX_new_from_pkey(nullptr, mine.get(), nullptr) : nullptr);
  Bytes out(field_size(key.curve));
  std::size_t size = out.size();
  if (!context || !theirs || key.scalar.empty() || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), theirs.get()) != 1 ||
      EVP_PKEY_derive(context.get(), out.data(), &size) != 1 || size != out.size())
    return no();
  return out;
}

Result<Bytes> curve_parameter(Curve curve, std::uint8_t which) {
  const Group group(EC_GROUP_new_by_curve_name(nid(curve)));
  if (!group) return no();
  const Number p(BN_new());
  const Number a(BN_new());
  const Number b(BN_new());
  if (EC_GROUP_get_curve(group.get(), p.get(), a.get(), b.get(), nullptr) != 1) return no();
  const auto field = field_size(curve);
  switch (which) {
    case 0x01:
      return bytes_of(a.get(), field);
    case 0x02:
      return bytes_of(b.get(), field);
    case 0x04:
      return uncompressed(group.get(), EC_GROUP_get0_generator(group.get()), field);
    case 0x08:
      return bytes_of(EC_GROUP_get0_order(group.get()), field);
    case 0x10:
      return bytes_of(p.get(), field);
    default:
      return no();
  }
}

Result<Bytes> self_signed_certificate(const EcKey& key) {
  const auto pkey = to_pkey(key);
  const Owned<X509, X509_free> certificate(X509_new());
  if (!pkey || !certificate) return no();
  auto* name = X509_get_subject_name(certificate.get());
  const auto text = as_bytes("SE05x SIMULATOR attestation (not a real element)");
  if (X509_set_version(certificate.get(), 2) != 1 ||
      ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1) != 1 ||
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text.data(), static_cast<int>(text.size()), -1,
                                 0) != 1 ||
      X509_set_issuer_name(certificate.get(), name) != 1 ||
      X509_set_pubkey(certificate.get(), pkey.get()) != 1 ||
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -86400) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 20L * 365 * 86400) == nullptr ||
      X509_sign(certificate.get(), pkey.get(), EVP_sha256()) == 0)
    return no();
  unsigned char* raw = nullptr;
  const int size = i2d_X509(certificate.get(), &raw);
  if (size <= 0) return no();
  Bytes out(raw, raw + size);
  OPENSSL_free(raw);
  return out;
}

}  // namespace camvault::se05x_sim

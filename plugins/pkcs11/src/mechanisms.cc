#include "mechanisms.h"

#include <algorithm>
#include <array>

namespace camvault::pkcs11_module {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::KeyType;

namespace {
constexpr CK_FLAGS kEcFlags = CKF_SIGN | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;

struct Mechanism {
  CK_MECHANISM_TYPE type;
  SignPlan plan;
};

constexpr Mechanism kMechanisms[] = {
    {CKM_ECDSA, {SignatureScheme::ecdsa, Input::digest, HashAlg::sha256}},
    {CKM_ECDSA_SHA256, {SignatureScheme::ecdsa, Input::message, HashAlg::sha256}},
    {CKM_ECDSA_SHA384, {SignatureScheme::ecdsa, Input::message, HashAlg::sha384}},
    {CKM_ECDSA_SHA512, {SignatureScheme::ecdsa, Input::message, HashAlg::sha512}},
    {CKM_RSA_PKCS, {SignatureScheme::rsa_pkcs1v15, Input::digest_info, HashAlg::sha256}},
    {CKM_SHA256_RSA_PKCS, {SignatureScheme::rsa_pkcs1v15, Input::message, HashAlg::sha256}},
    {CKM_SHA384_RSA_PKCS, {SignatureScheme::rsa_pkcs1v15, Input::message, HashAlg::sha384}},
    {CKM_SHA512_RSA_PKCS, {SignatureScheme::rsa_pkcs1v15, Input::message, HashAlg::sha512}},
    {CKM_RSA_PKCS_PSS, {SignatureScheme::rsa_pss, Input::digest, HashAlg::sha256}},
    {CKM_SHA256_RSA_PKCS_PSS, {SignatureScheme::rsa_pss, Input::message, HashAlg::sha256}},
    {CKM_SHA384_RSA_PKCS_PSS, {SignatureScheme::rsa_pss, Input::message, HashAlg::sha384}},
    {CKM_SHA512_RSA_PKCS_PSS, {SignatureScheme::rsa_pss, Input::message, HashAlg::sha512}},
    {CKM_EDDSA, {SignatureScheme::ed25519, Input::message, HashAlg::sha512}},
};

bool signs_with(KeyType type, SignatureScheme scheme) {
  const auto alg = keystore::key_alg_of(type);
  if (!alg) return false;
  switch (scheme) {
    case SignatureScheme::ecdsa:
      return crypto::is_ecdsa(*alg);
    case SignatureScheme::rsa_pss:
    case SignatureScheme::rsa_pkcs1v15:
      return crypto::is_rsa(*alg);
    case SignatureScheme::ed25519:
      return *alg == crypto::KeyAlg::ed25519;
  }
  return false;
}

CK_RV read_pss(const CK_MECHANISM& mechanism, SignPlan& plan) {
  CK_RSA_PKCS_PSS_PARAMS parameters{};
  if (mechanism.pParameter == nullptr || mechanism.ulParameterLen != sizeof parameters)
    return CKR_MECHANISM_PARAM_INVALID;
  std::copy_n(static_cast<const std::uint8_t*>(mechanism.pParameter), sizeof parameters,
              reinterpret_cast<std::uint8_t*>(&parameters));
  struct Form {
    CK_MECHANISM_TYPE hash;
    CK_RSA_PKCS_MGF_TYPE mgf;
    HashAlg means;
  };
  constexpr Form kForms[] = {{CKM_SHA256, CKG_MGF1_SHA256, HashAlg::sha256},
                             {CKM_SHA384, CKG_MGF1_SHA384, HashAlg::sha384},
                             {CKM_SHA512, CKG_MGF1_SHA512, HashAlg::sha512}};
  for (const auto& form : kForms) {
    if (parameters.hashAlg != form.hash) continue;
    if (parameters.mgf != form.mgf || parameters.sLen != crypto::digest_size(form.means))
      return CKR_MECHANISM_PARAM_INVALID;
    if (plan.input == Input::message && plan.hash != form.means) return CKR_MECHANISM_PARAM_INVALID;
    plan.hash = form.means;
    return CKR_OK;
  }
  return CKR_MECHANISM_PARAM_INVALID;
}
}  // namespace

std::span<const Offered> offered_mechanisms() {
  static const auto table = [] {
    std::array<Offered, std::size(kMechanisms)> out{};
    std::transform(std::begin(kMechanisms), std::end(kMechanisms), out.begin(), [](const Mechanism& m) {
      switch (m.plan.scheme) {
        case SignatureScheme::ecdsa:
          return Offered{m.type, {256, 521, kEcFlags}};
        case SignatureScheme::ed25519:
          return Offered{m.type, {255, 255, CKF_SIGN}};
        case SignatureScheme::rsa_pss:
        case SignatureScheme::rsa_pkcs1v15:
          break;
      }
      return Offered{m.type, {2048, 4096, CKF_SIGN}};
    });
    return out;
  }();
  return table;
}

std::variant<SignPlan, CK_RV> plan_of(const CK_MECHANISM& mechanism, KeyType type) {
  const auto* found = std::find_if(std::begin(kMechanisms), std::end(kMechanisms),
                                   [&](const Mechanism& m) { return m.type == mechanism.mechanism; });
  if (found == std::end(kMechanisms)) return CKR_MECHANISM_INVALID;
  auto plan = found->plan;
  if (!signs_with(type, plan.scheme)) return CKR_KEY_TYPE_INCONSISTENT;
  if (plan.scheme == SignatureScheme::rsa_pss) {
    if (const auto rv = read_pss(mechanism, plan); rv != CKR_OK) return rv;
  } else if (mechanism.ulParameterLen != 0) {
    return CKR_MECHANISM_PARAM_INVALID;  // also Ed25519ph and contexts, which keystored does not make
  }
  return plan;
}

std::size_t signature_size(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
    case KeyType::ed25519:
      return 64;
    case KeyType::ec_p384:
      return 96;
    case KeyType::ec_p521:
      return 132;
    case KeyType::rsa_2048:
      return 256;
    case KeyType::rsa_3072:
      return 384;
    case KeyType::rsa_4096:
      return 512;
    case KeyType::aes_256:
    case KeyType::hmac_sha256:
    case KeyType::ecdh_p256:
    case KeyType::ecdh_p384:
    case KeyType::secret:
    case KeyType::counter:
      return 0;
  }
  return 0;
}

}  // namespace camvault::pkcs11_module

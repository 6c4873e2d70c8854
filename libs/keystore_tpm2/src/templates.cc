#include "templates.h"

#include "camvault/keystore_engine/module_values.h"

namespace camvault::keystore_tpm2 {

using crypto::SignatureScheme;
using keystore::KeyType;
using keystore_engine::modulus_bits;

namespace {
constexpr UINT32 kDefaultExponent = 0;  // 65537, TPM 2.0 part 2, 12.2.3.5

TPMT_SYM_DEF_OBJECT no_symmetric() {
  TPMT_SYM_DEF_OBJECT out{};
  out.algorithm = TPM2_ALG_NULL;
  return out;
}
}  // namespace

TPM2_ECC_CURVE curve_of(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
    case KeyType::ecdh_p256:
      return TPM2_ECC_NIST_P256;
    case KeyType::ec_p384:
    case KeyType::ecdh_p384:
      return TPM2_ECC_NIST_P384;
    case KeyType::ec_p521:
      return TPM2_ECC_NIST_P521;
    default:
      return TPM2_ECC_NONE;
  }
}

TPM2_ALG_ID hash_of(crypto::HashAlg hash) {
  return hash == crypto::HashAlg::sha256   ? TPM2_ALG_SHA256
         : hash == crypto::HashAlg::sha384 ? TPM2_ALG_SHA384
                                           : TPM2_ALG_SHA512;
}

TPMT_PUBLIC_PARMS test_parameters(KeyType rsa_type) {
  TPMT_PUBLIC_PARMS out{};
  out.type = TPM2_ALG_RSA;
  out.parameters.rsaDetail = {.symmetric = no_symmetric(),
                              .scheme = {.scheme = TPM2_ALG_NULL, .details = {}},
                              .keyBits = static_cast<TPMI_RSA_KEY_BITS>(modulus_bits(rsa_type)),
                              .exponent = kDefaultExponent};
  return out;
}

namespace {
// A primary key of the TPM's own on P-256, for one use and for nothing from outside.
TPM2B_PUBLIC restricted_primary(TPMA_OBJECT use) {
  TPM2B_PUBLIC out{};
  auto& area = out.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | use;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  return out;
}
}  // namespace

// TCG EK Credential Profile, template H-2 in shape: ECC storage key without a policy.
TPM2B_PUBLIC storage_template() {
  auto out = restricted_primary(TPMA_OBJECT_DECRYPT);
  auto& ecc = out.publicArea.parameters.eccDetail;
  ecc.symmetric.algorithm = TPM2_ALG_AES;
  ecc.symmetric.keyBits.aes = 128;
  ecc.symmetric.mode.aes = TPM2_ALG_CFB;
  ecc.scheme.scheme = TPM2_ALG_NULL;
  return out;
}

// Schemes are left open: TLS 1.3 wants PSS of a key that TLS 1.2 uses with PKCS#1 v1.5. keystored's policy
// says which.
TPM2B_PUBLIC key_template(KeyType type, bool made_inside) {
  TPM2B_PUBLIC out{};
  auto& area = out.publicArea;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
                          (keystore::is_agreement(type) ? TPMA_OBJECT_DECRYPT : TPMA_OBJECT_SIGN_ENCRYPT);
  if (made_inside)
    area.objectAttributes |= TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
  if (modulus_bits(type) != 0) {
    area.type = TPM2_ALG_RSA;
    area.parameters.rsaDetail = test_parameters(type).parameters.rsaDetail;
  } else if (type == KeyType::hmac_sha256) {
    area.type = TPM2_ALG_KEYEDHASH;
    auto& scheme = area.parameters.keyedHashDetail.scheme;
    scheme.scheme = TPM2_ALG_HMAC;
    scheme.details.hmac.hashAlg = TPM2_ALG_SHA256;
  } else {
    area.type = TPM2_ALG_ECC;
    auto& ecc = area.parameters.eccDetail;
    ecc.symmetric = no_symmetric();
    ecc.scheme.scheme = TPM2_ALG_NULL;
    ecc.curveID = curve_of(type);
    ecc.kdf.scheme = TPM2_ALG_NULL;
  }
  return out;
}

TPM2B_PUBLIC attester_template() {
  constexpr std::string_view kUnique = "camvault attestation key 1";  // not somebody else's primary
  auto out = restricted_primary(TPMA_OBJECT_SIGN_ENCRYPT);
  auto& area = out.publicArea;
  auto& ecc = area.parameters.eccDetail;
  ecc.symmetric = no_symmetric();
  ecc.scheme.scheme = TPM2_ALG_ECDSA;
  ecc.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  area.unique.ecc.x.size = static_cast<UINT16>(kUnique.size());
  std::copy(kUnique.begin(), kUnique.end(), area.unique.ecc.x.buffer);
  return out;
}

TPM2B_PUBLIC endorsement_template(KeyType type) {
  // PolicySecret of the endorsement hierarchy: policy A (EK Credential Profile, B.6.2).
  constexpr std::uint8_t kPolicyA[] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
                                       0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
                                       0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
  TPM2B_PUBLIC out{};
  auto& area = out.publicArea;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  area.authPolicy.size = sizeof kPolicyA;
  std::copy(std::begin(kPolicyA), std::end(kPolicyA), area.authPolicy.buffer);
  TPMT_SYM_DEF_OBJECT symmetric{};
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = 128;
  symmetric.mode.aes = TPM2_ALG_CFB;
  if (type == KeyType::rsa_2048) {
    area.type = TPM2_ALG_RSA;
    area.parameters.rsaDetail = {.symmetric = symmetric,
                                 .scheme = {.scheme = TPM2_ALG_NULL, .details = {}},
                                 .keyBits = 2048,
                                 .exponent = kDefaultExponent};
    area.unique.rsa.size = 256;  // zeros, as the profile has it
    return out;
  }
  area.type = TPM2_ALG_ECC;
  auto& ecc = area.parameters.eccDetail;
  ecc.symmetric = symmetric;
  ecc.scheme.scheme = TPM2_ALG_NULL;
  ecc.curveID = TPM2_ECC_NIST_P256;
  ecc.kdf.scheme = TPM2_ALG_NULL;
  area.unique.ecc.x.size = 32;
  area.unique.ecc.y.size = 32;
  return out;
}

TPM2B_PUBLIC sealed_template(const TPM2B_DIGEST& policy) {
  TPM2B_PUBLIC out{};
  auto& area = out.publicArea;
  area.type = TPM2_ALG_KEYEDHASH;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes =
      TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA;  // by policy only
  area.authPolicy = policy;
  area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  return out;
}

Result<Bytes> spki_of(KeyType type, const TPM2B_PUBLIC& public_area) {
  const auto& area = public_area.publicArea;
  if (type == KeyType::hmac_sha256) {
    if (area.type != TPM2_ALG_KEYEDHASH) return fail(Errc::malformed, "the TPM's key is of another type");
    return Bytes();
  }
  if (modulus_bits(type) != 0) {
    if (area.type != TPM2_ALG_RSA) return fail(Errc::malformed, "the TPM's key is of another type");
    const auto exponent =
        area.parameters.rsaDetail.exponent == kDefaultExponent ? 65537 : area.parameters.rsaDetail.exponent;
    const std::uint8_t bytes[] = {
        static_cast<std::uint8_t>(exponent >> 24), static_cast<std::uint8_t>(exponent >> 16),
        static_cast<std::uint8_t>(exponent >> 8), static_cast<std::uint8_t>(exponent)};
    return keystore_engine::spki_of_rsa(type, view_of(area.unique.rsa), bytes);
  }
  const auto size = keystore_engine::coordinate_size(type);
  const auto x = view_of(area.unique.ecc.x);
  const auto y = view_of(area.unique.ecc.y);
  if (area.type != TPM2_ALG_ECC || area.parameters.eccDetail.curveID != curve_of(type) || x.size() > size ||
      y.size() > size)
    return fail(Errc::malformed, "the TPM's key is of another type");
  Bytes point = {0x04};  // coordinates may come without their leading zeros
  point.resize(1 + size - x.size());
  append(point, x);
  point.resize(1 + 2 * size - y.size());
  append(point, y);
  return keystore_engine::spki_of_point(type, point);
}

Result<Bytes> signature_of(KeyType type, SignatureScheme scheme, const TPMT_SIGNATURE& signature) {
  switch (scheme) {
    case SignatureScheme::ecdsa: {
      if (signature.sigAlg != TPM2_ALG_ECDSA) break;
      const auto& ecdsa = signature.signature.ecdsa;
      return keystore_engine::ecdsa_der_of_pair(type, view_of(ecdsa.signatureR), view_of(ecdsa.signatureS));
    }
    case SignatureScheme::rsa_pss:
    case SignatureScheme::rsa_pkcs1v15: {
      const auto wanted = scheme == SignatureScheme::rsa_pss ? TPM2_ALG_RSAPSS : TPM2_ALG_RSASSA;
      if (signature.sigAlg != wanted) break;
      const auto sig = view_of(signature.signature.rsassa.sig);  // both are the same structure
      if (sig.size() * 8 != modulus_bits(type)) break;
      return to_bytes(sig);
    }
    case SignatureScheme::ed25519:
      break;
  }
  return fail(Errc::malformed, "the TPM's signature is of another kind or size");
}

}  // namespace camvault::keystore_tpm2

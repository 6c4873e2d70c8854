#include "mechanisms.h"

#include <algorithm>

#include "camvault/base/byte_reader.h"
#include "camvault/keystore_engine/module_values.h"

namespace camvault::keystore_pkcs11 {

using keystore::KeyType;
using keystore_engine::modulus_bits;

namespace {
constexpr std::size_t kMaxMechanisms = 1024;
constexpr std::uint8_t kOctetString = 0x04;

struct Needed {
  CK_MECHANISM_TYPE mechanism;
  CK_FLAGS flags;
};

std::vector<Needed> needed_for(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
    case KeyType::ec_p384:
    case KeyType::ec_p521:
      return {{CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR}, {CKM_ECDSA, CKF_SIGN}};
    case KeyType::rsa_2048:
    case KeyType::rsa_3072:
    case KeyType::rsa_4096:
      return {{CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR},
              {CKM_RSA_PKCS, CKF_SIGN},
              {CKM_RSA_PKCS_PSS, CKF_SIGN}};
    case KeyType::ed25519:
      return {{CKM_EC_EDWARDS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR}, {CKM_EDDSA, CKF_SIGN}};
    case KeyType::aes_256:
      return {{CKM_AES_KEY_GEN, CKF_GENERATE}, {CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT}};
    case KeyType::hmac_sha256:
      return {{CKM_GENERIC_SECRET_KEY_GEN, CKF_GENERATE}, {CKM_SHA256_HMAC, CKF_SIGN}};
    case KeyType::ecdh_p256:
    case KeyType::ecdh_p384:
      return {{CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR}, {CKM_ECDH1_DERIVE, CKF_DERIVE}};
    case KeyType::secret:
    case KeyType::counter:
      break;
  }
  return {};
}

// The size that ulMinKeySize and ulMaxKeySize speak about, where all tokens agree on its unit; else 0.
CK_ULONG bits_of(KeyType type) {
  if (modulus_bits(type) != 0) return modulus_bits(type);
  const auto bytes = type == KeyType::ed25519 ? 0 : keystore_engine::coordinate_size(type);
  return bytes == 66 ? 521 : bytes * 8;
}

Result<bool> offers(const CK_FUNCTION_LIST& library, CK_SLOT_ID slot, KeyType type, const Needed& needed) {
  CK_MECHANISM_INFO info{};
  const auto rv = library.C_GetMechanismInfo(slot, needed.mechanism, &info);
  if (means_gone(rv)) return fail_with("C_GetMechanismInfo", rv);
  if (rv != CKR_OK) return false;
  if ((info.flags & needed.flags) != needed.flags) return false;
  const auto bits = bits_of(type);
  return bits == 0 || info.ulMaxKeySize == 0 || (info.ulMinKeySize <= bits && bits <= info.ulMaxKeySize);
}
}  // namespace

Result<std::vector<KeyType>> key_types_of(const CK_FUNCTION_LIST& library, CK_SLOT_ID slot) {
  CK_ULONG count = 0;
  if (const auto rv = library.C_GetMechanismList(slot, nullptr, &count); rv != CKR_OK)
    return fail_with("C_GetMechanismList", rv);
  if (count > kMaxMechanisms) return fail(Errc::limit, "the token has too many mechanisms");
  std::vector<CK_MECHANISM_TYPE> present(count);
  if (const auto rv = library.C_GetMechanismList(slot, present.data(), &count); rv != CKR_OK)
    return fail_with("C_GetMechanismList", rv);
  present.resize(std::min<std::size_t>(count, present.size()));
  std::vector<KeyType> types;
  for (const auto type : keystore::kAllKeyTypes) {
    const auto all_needed = needed_for(type);
    bool all = !all_needed.empty();
    for (const auto& needed : all_needed) {
      // Asked only for what is listed: some modules answer about mechanisms that they do not have.
      all = all && std::find(present.begin(), present.end(), needed.mechanism) != present.end();
      if (!all) break;
      CAM_TRY(all, offers(library, slot, type, needed));
    }
    if (all) types.push_back(type);
  }
  return types;
}

CK_MECHANISM_TYPE generation_of(KeyType type) {
  return needed_for(type).front().mechanism;
}

CK_KEY_TYPE key_kind_of(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
    case KeyType::ec_p384:
    case KeyType::ec_p521:
    case KeyType::ecdh_p256:
    case KeyType::ecdh_p384:
      return CKK_EC;
    case KeyType::rsa_2048:
    case KeyType::rsa_3072:
    case KeyType::rsa_4096:
      return CKK_RSA;
    case KeyType::ed25519:
      return CKK_EC_EDWARDS;
    case KeyType::aes_256:
      return CKK_AES;
    case KeyType::hmac_sha256:
    case KeyType::secret:
    case KeyType::counter:
      return CKK_GENERIC_SECRET;
  }
  return CKK_GENERIC_SECRET;
}

Bytes curve_parameters(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
    case KeyType::ecdh_p256:
      return {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    case KeyType::ec_p384:
    case KeyType::ecdh_p384:
      return {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
    case KeyType::ec_p521:
      return {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
    case KeyType::ed25519:
      return {0x06, 0x03, 0x2b, 0x65, 0x70};
    default:
      return {};
  }
}

CK_RSA_PKCS_PSS_PARAMS pss_parameters(crypto::HashAlg hash) {
  constexpr CK_RSA_PKCS_MGF_TYPE kMgf1Sha384 = 3;  // 2.40 table 38
  constexpr CK_RSA_PKCS_MGF_TYPE kMgf1Sha512 = 4;
  CK_RSA_PKCS_PSS_PARAMS out{};
  out.sLen = crypto::digest_size(hash);
  switch (hash) {
    case crypto::HashAlg::sha256:
      out.hashAlg = CKM_SHA256;
      out.mgf = CKG_MGF1_SHA256;
      break;
    case crypto::HashAlg::sha384:
      out.hashAlg = CKM_SHA384;
      out.mgf = kMgf1Sha384;
      break;
    case crypto::HashAlg::sha512:
      out.hashAlg = CKM_SHA512;
      out.mgf = kMgf1Sha512;
      break;
  }
  return out;
}

Result<Bytes> spki_of_attribute(KeyType type, BytesView ec_point) {
  const auto bare =
      type == KeyType::ed25519 ? std::size_t{32} : 1 + 2 * keystore_engine::coordinate_size(type);
  if (ec_point.size() == bare) return keystore_engine::spki_of_point(type, ec_point);
  ByteReader in(ec_point);
  CAM_TRY(const auto tag, in.u8());
  CAM_TRY(std::size_t size, in.u8());
  if (size == 0x81) {
    CAM_TRY(size, in.u8());
  }
  if (tag != kOctetString || size != bare)
    return fail(Errc::malformed, "the token's public point has another form");
  CAM_TRY(const auto point, in.take(size));
  CAM_TRY_STATUS(in.finish());
  return keystore_engine::spki_of_point(type, point);
}

}  // namespace camvault::keystore_pkcs11

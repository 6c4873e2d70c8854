// The few structures of TPM 2.0 (part 2) that attestation needs, read from foreign bytes.
#pragma once

#include "camvault/attestation/module_evidence.h"

namespace camvault::attestation {

namespace tpm {
inline constexpr std::uint32_t kFixedTpm = 1u << 1;
inline constexpr std::uint32_t kFixedParent = 1u << 4;
inline constexpr std::uint32_t kSensitiveDataOrigin = 1u << 5;
inline constexpr std::uint32_t kRestricted = 1u << 16;
inline constexpr std::uint32_t kDecrypt = 1u << 17;
inline constexpr std::uint32_t kSign = 1u << 18;
}  // namespace tpm

// TPMT_PUBLIC of a key pair (12.2.4).
struct TpmPublic {
  std::uint32_t attributes = 0;
  bool has_policy = false;
  crypto::KeyAlg alg = crypto::KeyAlg::ec_p256;
  Bytes spki;
};
// Errc::unsupported for keys of other kinds; the whole input must be one structure.
Result<TpmPublic> read_tpm_public(BytesView area);

// TPMS_ATTEST of TPM2_Certify (10.12.12).
struct TpmCertify {
  Bytes extra_data;
  Bytes name;  // of the key: algorithm of its hash, hash
};
Result<TpmCertify> read_tpm_certify(BytesView attest);

}  // namespace camvault::attestation

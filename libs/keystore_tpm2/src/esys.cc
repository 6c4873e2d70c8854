#include "esys.h"

#include <cstdio>

namespace camvault::keystore_tpm2 {

namespace {
// Format-one codes carry the number of the handle, session or parameter: bits 8 to 11, and bit 6 for
// "parameter".
TSS2_RC without_position(TSS2_RC rc) {
  return (rc & TPM2_RC_FMT1) != 0 ? rc & (TPM2_RC_FMT1 | 0x3fu) : rc;
}
bool is_from_tpm(TSS2_RC rc) {
  const auto layer = rc & TSS2_RC_LAYER_MASK;
  return layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER;
}
TSS2_RC tpm_code(TSS2_RC rc) {
  return without_position(rc & ~TSS2_RC_LAYER_MASK);
}
}  // namespace

bool means_gone(TSS2_RC rc) {
  if (rc == TSS2_RC_SUCCESS) return false;
  if (!is_from_tpm(rc)) return true;  // the way to the TPM, or ESYS, whose state is then not to be trusted
  switch (tpm_code(rc)) {
    case TPM2_RC_INITIALIZE:
    case TPM2_RC_FAILURE:
    case TPM2_RC_REFERENCE_H0:
    case TPM2_RC_REFERENCE_H1:
    case TPM2_RC_REFERENCE_S0:
    case TPM2_RC_HANDLE:
    case TPM2_RC_OBJECT_MEMORY:
    case TPM2_RC_SESSION_MEMORY:
    case TPM2_RC_SESSION_HANDLES:
    case TPM2_RC_OBJECT_HANDLES:
      return true;
    default:
      return false;
  }
}

Status check(const char* command, TSS2_RC rc) {
  if (rc == TSS2_RC_SUCCESS) return ok();
  char number[16];
  std::snprintf(number, sizeof number, "0x%x", static_cast<unsigned>(rc));
  const auto what = std::string("the TPM's ") + command + " failed: " + number;
  if (!is_from_tpm(rc)) return fail(Errc::unavailable, what + " (the way to the TPM)");
  switch (tpm_code(rc)) {
    case TPM2_RC_LOCKOUT:
      return fail(
          Errc::unavailable,
          what + " (dictionary attack lock-out: it ends by itself, or by TPM2_DictionaryAttackLockReset)");
    case TPM2_RC_INTEGRITY:
      return fail(Errc::invalid, what + " (changed data, or of another TPM)");
    case TPM2_RC_POLICY_FAIL:
    case TPM2_RC_PCR_CHANGED:
      return fail(Errc::denied, what + " (the platform's state is another one)");
    case TPM2_RC_AUTH_FAIL:
    case TPM2_RC_BAD_AUTH:
      return fail(Errc::invalid, what + " (authorisation)");
    case TPM2_RC_CURVE:
    case TPM2_RC_ASYMMETRIC:
    case TPM2_RC_KEY_SIZE:
    case TPM2_RC_SCHEME:
    case TPM2_RC_HASH:
    case TPM2_RC_COMMAND_CODE:
      return fail(Errc::unsupported, what + " (the TPM does not have that)");
    case TPM2_RC_SIZE:
    case TPM2_RC_VALUE:
    case TPM2_RC_TYPE:
    case TPM2_RC_TAG:
    case TPM2_RC_BINDING:
    case TPM2_RC_ATTRIBUTES:
    case TPM2_RC_INSUFFICIENT:
    case TPM2_RC_SENSITIVE:
    case TPM2_RC_SYMMETRIC:
    case TPM2_RC_KEY:
      return fail(Errc::invalid, what);
    case TPM2_RC_NV_SPACE:
      return fail(Errc::limit, what + " (its memory is full)");
    default:
      return fail(Errc::unavailable, what);
  }
}

}  // namespace camvault::keystore_tpm2

// An authorisation session with a TPM, computed here: salted by the storage primary, bound to a key, with the
// first parameter of each command encrypted (TPM 2.0 part 1, 19 and 21). ESYS of Debian 12 could do the same,
// but makes a new library context of OpenSSL for every hash, which costs milliseconds for each signature.
#pragma once

#include <tss2/tss2_sys.h>

#include <array>
#include "camvault/base/secret.h"
#include "esys.h"

namespace camvault::keystore_tpm2 {

struct Entity {
  TPM2_HANDLE handle = 0;
  Bytes name;
};

// What a session does for a command.
struct Protection {
  TPM2_CC code = 0;
  bool authorises = true;     // the use of the entity that the session is bound to
  bool hides_command = true;  // its first parameter
  bool hides_answer = false;  // its first parameter
};

// Confined to the thread that owns the TPM. Commands are prepared in `system` (Tss2_Sys_X_Prepare) and
// completed by the caller (Tss2_Sys_X_Complete).
class KeySession {
 public:
  // `primary`: an ECC key on P-256 that decrypts, and its public half. `authorisation`: of `bind`, as it was
  // given when that was made.
  static Result<KeySession> start(TSS2_SYS_CONTEXT* system, TPM2_HANDLE primary, const TPM2B_ECC_PARAMETER& x,
                                  const TPM2B_ECC_PARAMETER& y, Entity bind, const Secret& authorisation);

  // TSS2_RC_SUCCESS, what the TPM or the way to it said, or kForged if the answer's HMAC is wrong.
  TSS2_RC run(TSS2_SYS_CONTEXT* system, const Protection& how);
  // As for answers that somebody on the bus has changed: nothing on this connection is to be trusted any
  // more.
  static constexpr TSS2_RC kForged = TSS2_ESYS_RC_RSP_AUTH_FAILED;

  TPM2_HANDLE handle() const { return handle_; }
  const Entity& bound_to() const { return bound_to_; }

 private:
  using Nonce = std::array<std::uint8_t, 32>;
  using Mac = std::array<std::uint8_t, 32>;
  KeySession() = default;
  Result<Bytes> with_parameter_key(BytesView newer, BytesView older, BytesView in, bool encrypt) const;
  Status encrypt_parameter(TSS2_SYS_CONTEXT* system) const;
  Status decrypt_answer(TSS2_SYS_CONTEXT* system) const;
  Result<Mac> command_mac(TSS2_SYS_CONTEXT* system, const Protection& how, TPMA_SESSION attributes) const;
  Result<Mac> answer_mac(TSS2_SYS_CONTEXT* system, TPM2_CC code, TPMA_SESSION attributes) const;

  TPM2_HANDLE handle_ = 0;
  Entity bound_to_;
  Secret key_;            // of the HMACs
  Secret parameter_key_;  // that key and the authorisation: what parameters are encrypted under
  Nonce own_{};           // nonceCaller
  TPM2B_NONCE tpm_{};     // nonceTPM
};

}  // namespace camvault::keystore_tpm2

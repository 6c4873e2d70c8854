// What a TPM has besides keys: data sealed to the platform's state, and counters.
#pragma once

#include "tpm.h"

namespace camvault::keystore_tpm2 {

// Bound to PCRs 0 to 7 of the SHA-256 bank as they are now: firmware, its settings and what it started.
Result<Bytes> seal(Tpm& tpm, const Secret& plain);
Result<Secret> unseal(Tpm& tpm, const Blob& blob);  // Errc::denied if a PCR has changed

// NV counters of the owner, 0 to 15. A counter that is made anew begins above all that the TPM ever had (part
// 1, 37.2.3), so that undefining one does not set it back.
Result<std::uint64_t> read_nv_counter(Tpm& tpm, std::uint32_t number);
Result<std::uint64_t> increment_nv_counter(Tpm& tpm, std::uint32_t number);

}  // namespace camvault::keystore_tpm2

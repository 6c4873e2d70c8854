// Objects of the TPM as bytes: handles of keys, sealed data, and the wrapping in which a key is put in.
#pragma once

#include "tpm.h"

namespace camvault::keystore_tpm2 {

// version || authorisation (u8 size) || TPM2B_PUBLIC || TPM2B_PRIVATE (docs/formats/keystore-files.md).
Result<Secret> write_blob(const Blob& blob);
// Errc::invalid for everything that write_blob does not write.
Result<Blob> read_blob(BytesView bytes);

// What TPM2_Import takes: TPM 2.0 part 1, 23.3.2.3, inner duplication wrapper with AES-128-CFB and SHA-256.
// The symmetric key goes to the TPM as the command's first parameter, which the session encrypts.
struct Wrapped {
  TPM2B_DATA encryption_key{};
  TPM2B_PRIVATE duplicate{};
};
Result<Wrapped> wrap_for_import(const TPM2B_PUBLIC& public_area, const TPMT_SENSITIVE& sensitive);

// TPMT_PUBLIC, marshalled: what a name is the hash of.
Result<Bytes> area_of(const TPM2B_PUBLIC& public_area);

// Random bytes of this process, for values that must not come from the TPM alone: authorisations, wrapping
// keys.
Status random_bytes(std::span<std::uint8_t> out);
// SHA-256 of two pieces, one after the other.
Result<Bytes> sha256(BytesView a, BytesView b);

}  // namespace camvault::keystore_tpm2

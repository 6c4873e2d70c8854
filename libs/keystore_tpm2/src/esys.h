// What the TPM's C interface needs everywhere: errors as values, memory that is freed, bytes in and out of
// TPM2Bs.
#pragma once

#include <tss2/tss2_esys.h>

#include <algorithm>

#include "camvault/base/bytes.h"
#include "camvault/base/owned.h"

namespace camvault::keystore_tpm2 {

template <class T>
using EsysPtr = Owned<T, Esys_Free>;

// Ok, or what a caller can do about it: Errc::unavailable if the TPM or the way to it failed, or if it is in
// lock-out.
Status check(const char* command, TSS2_RC rc);

// True if objects and sessions of this connection are void: it was lost, or the TPM was reset behind it.
bool means_gone(TSS2_RC rc);

// Errc::limit if it does not fit.
template <class Tpm2b>
Result<Tpm2b> to_tpm2b(BytesView bytes) {
  Tpm2b out{};
  if (bytes.size() > sizeof out.buffer) return fail(Errc::limit, "longer than the TPM takes");
  out.size = static_cast<UINT16>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.buffer);
  return out;
}

template <class Tpm2b>
BytesView view_of(const Tpm2b& value) {
  return {value.buffer, std::min<std::size_t>(value.size, sizeof value.buffer)};
}

}  // namespace camvault::keystore_tpm2

// The one place of the module that names the PKCS#11 header: OASIS' names, p11-kit's copy (version 2.40).
#pragma once

#include <p11-kit/pkcs11.h>

#include <cstdint>
#include <optional>

#include "camvault/base/bytes.h"

namespace camvault::pkcs11_module {

// What callers may hand over at most, so that a wrong length is an error and not a loop.
inline constexpr CK_ULONG kMaxTemplate = 64;        // attributes
inline constexpr CK_ULONG kMaxAttribute = 65536;    // bytes of one
inline constexpr CK_ULONG kMaxRandomBytes = 65536;  // of one call

// Nothing for a null pointer with a length, or more than `limit`.
inline std::optional<BytesView> view_of(const void* data, CK_ULONG size, CK_ULONG limit) {
  if (size > limit || (data == nullptr && size != 0)) return std::nullopt;
  return BytesView(static_cast<const std::uint8_t*>(data), size);
}

}  // namespace camvault::pkcs11_module

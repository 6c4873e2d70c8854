// Numbers of the protocol that are smaller than CBOR's.
#pragma once

#include <cstdint>
#include <limits>

#include "camvault/base/result.h"
#include "camvault/codec/cbor.h"

namespace camvault::ipc {

inline Result<std::uint32_t> read_u32(codec::CborReader& in) {
  CAM_TRY(const auto value, in.unsigned_integer());
  if (value > std::numeric_limits<std::uint32_t>::max())
    return fail(Errc::malformed, "a number above 2^32-1");
  return static_cast<std::uint32_t>(value);
}

}  // namespace camvault::ipc

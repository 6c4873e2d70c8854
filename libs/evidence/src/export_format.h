// Numbers of the Export File Format that writer and reader share.
#pragma once

#include <initializer_list>

#include "camvault/base/bytes.h"
#include "camvault/base/time.h"

namespace camvault::evidence {

inline constexpr std::size_t kBoxHeader = 8;
inline constexpr std::uint32_t kScheme = 0x6f656666;         // "oeff"
inline constexpr std::uint32_t kSchemeVersion = 0x00010000;  // 5.6.3.3
// ISO/IEC 14496-12 counts seconds from 1904, the StartTimeBox 100 ns steps from 1601.
inline constexpr std::int64_t kFrom1904To1970 = 2'082'844'800;
inline constexpr Ticks kFrom1601To1970 = std::chrono::seconds(11'644'473'600);

Bytes concat(std::initializer_list<Bytes> parts);

}  // namespace camvault::evidence

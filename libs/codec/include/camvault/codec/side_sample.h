// A sample of a track beside the pictures: sound or timed metadata.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "camvault/base/bytes.h"
#include "camvault/base/time.h"

namespace camvault::codec {

enum class SideKind : std::uint8_t { audio = 1, metadata = 2 };
std::string_view to_string(SideKind kind);  // "audio", "metadata"

// `bytes` belongs to the source and stays valid until the next read from it.
struct SideSample {
  SideKind kind = SideKind::audio;
  std::uint32_t track = 0;    // tells the tracks of one clip apart; other clips may count otherwise
  BytesView bytes;            // as a container stores them, without its headers
  std::optional<Ticks> time;  // presentation time on the clock of the pictures' container times
  std::uint64_t offset = 0;   // first byte in the file, for reports
};

}  // namespace camvault::codec

// Writes a clip anew, picture by picture, with the times of another one. For `camvault sign` and the demo's
// forger.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "camvault/codec/clip.h"
#include "camvault/container/writer.h"

namespace camvault::cli {

// Presentation times of all pictures of a source, in decoding order, 90 kHz; 8 bytes a picture. A source
// without times (raw stream) gets `fps` pictures a second. The source is rewound before and after.
struct PictureTimes {
  std::vector<std::int64_t> pts;
  std::vector<std::int64_t> dts;
};
Result<PictureTimes> picture_times(codec::UnitSource& source, double fps);

inline constexpr std::uint32_t kTimescale = 90'000;
Ticks ticks_of(std::int64_t at_90khz);

// Where to write: format by the name's ending, refused if it would be the input itself.
Result<std::unique_ptr<container::ClipWriter>> create_output(const std::filesystem::path& path,
                                                             const std::filesystem::path& input,
                                                             codec::Codec codec);

}  // namespace camvault::cli

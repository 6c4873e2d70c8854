// Timed metadata of MP4 files (ISO/IEC 14496-12 8.4.3, 8.5.2, 12.3): the boxes that say what the samples of
// such a track are. libavformat copies the samples and knows nothing of these, so that copies of a clip get
// them from the clip itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "camvault/base/bytes.h"

namespace camvault::container {

struct MetadataDescription {
  std::uint32_t type = 0;           // of the first sample entry: fourcc("mett"), ...
  Bytes handler;                    // whole boxes: hdlr,
  Bytes media_header;               // nmhd or gmhd,
  Bytes sample_description;         // and stsd
  bool describes_pictures = false;  // a track reference `cdsc` (8.3.3)
};

// One for every track of the file, in its order; none for tracks of another kind, for those whose data lie in
// other files, and for descriptions over 64 KiB. Empty if the file is no MP4: whoever reads its samples says
// what is wrong with it.
std::vector<std::optional<MetadataDescription>> metadata_descriptions(const std::filesystem::path& path);

// By track number of a file of ours.
using MetadataByTrack = std::map<std::uint32_t, MetadataDescription>;

}  // namespace camvault::container

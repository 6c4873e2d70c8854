// Turns a fragmented MP4 that AvMuxer wrote into an ordinary one, in place: the sample tables of all
// fragments go into one `moov` behind them (ISO/IEC 14496-12, 8.5 to 8.7), and the old `moov` with all that
// follows becomes one `mdat`. No sample moves, and memory does not grow with the file.
#pragma once

#include "camvault/base/result.h"
#include "mp4_metadata.h"

namespace camvault::container {

// `fd` is open for reading and writing. A kill at any moment leaves a file that plays: until the last write,
// of 16 bytes, it is still the fragmented file. `metadata` replaces what the muxer wrote about the tracks of
// these numbers; `pictures` is the number of the video track.
Status add_mp4_index(int fd, const MetadataByTrack& metadata = {}, std::uint32_t pictures = 1);

}  // namespace camvault::container

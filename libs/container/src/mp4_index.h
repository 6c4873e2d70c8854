// Turns a fragmented MP4 that AvMuxer wrote into an ordinary one, in place: the sample tables of all
// fragments go into one `moov` behind them (ISO/IEC 14496-12, 8.5 to 8.7), and the old `moov` with all that
// follows becomes one `mdat`. No sample moves, and memory does not grow with the file.
#pragma once

#include "camvault/base/result.h"

namespace camvault::container {

// `fd` is open for reading and writing. A kill at any moment leaves a file that plays: until the last write,
// of 16 bytes, it is still the fragmented file.
Status add_mp4_index(int fd);

}  // namespace camvault::container

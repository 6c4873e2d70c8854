// The one wrapper of libavformat's reading side. Runs inside the sandbox only.
#pragma once

namespace camvault::container {

// Reads the container in `input` and writes records to `output` until its end. Packets are sent as they are
// stored. Returns the exit status: 0, or 1 when the other side is gone.
int run_demuxer(int input, int output);

}  // namespace camvault::container

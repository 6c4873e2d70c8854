// Decoding times for pictures that stand in decoding order and of which only the presentation times are
// known.
#pragma once

#include <cstdint>
#include <vector>

namespace camvault::cli {

// dts[i] grows strictly and dts[i] <= pts[i]; `pts` in ticks. Picture i is decoded when the i-th picture in
// presentation order would be shown, earlier by the delay that the reordering needs. O(n log n).
std::vector<std::int64_t> decoding_times(const std::vector<std::int64_t>& pts);

}  // namespace camvault::cli

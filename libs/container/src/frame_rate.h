// How many pictures a second a raw stream says it has.
#pragma once

#include <optional>

#include "camvault/codec/unit.h"

namespace camvault::container {

// From the timing in a sequence parameter set (ITU-T H.264 E.1.1, H.265 7.3.2.2 and E.2.1). Nothing when it
// does not say, or says less than 1 or more than 1000.
std::optional<double> read_frame_rate(codec::Codec codec, BytesView sps);

}  // namespace camvault::container

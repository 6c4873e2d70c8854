// The decoder configuration that containers and pipelines carry apart from the stream: avcC and hvcC.
#pragma once

#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/codec/unit.h"

namespace camvault::codec {

// The parameter sets (and whatever else hvcC holds) of an AVC or HEVC decoder configuration record, as views.
// What breaks off ends the list: decoders do the same. At most 64; none for AV1.
std::vector<BytesView> parameter_sets_of(Codec codec, BytesView configuration);

}  // namespace camvault::codec

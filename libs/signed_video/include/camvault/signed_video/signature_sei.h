// Which units of a stream are signatures: for those who copy, sign anew or cut signed video.
#pragma once

#include "camvault/codec/unit.h"

namespace camvault::signed_video {

// True for an SEI of a signature format that Verifier knows, whatever it holds: the UUID alone decides.
bool is_signature_sei(codec::Codec codec, BytesView unit);

}  // namespace camvault::signed_video

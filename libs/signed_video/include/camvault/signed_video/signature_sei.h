// Which units of a stream are signatures: for those who copy, sign anew or cut signed video.
#pragma once

#include "camvault/codec/unit.h"

namespace camvault::signed_video {

// True for a unit of a signature format that Verifier knows (ONVIF, Axis, our supplement), whatever it holds:
// the UUID alone decides.
bool is_signature_sei(codec::Codec codec, BytesView unit);

// True for a signature SEI that carries certificates and speaks about no pictures (ONVIF Media Signing,
// certificate SEI).
bool is_certificate_sei(codec::Codec codec, BytesView unit);

}  // namespace camvault::signed_video

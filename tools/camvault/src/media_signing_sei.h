// Recognises the SEI messages that carry signatures, to leave them alone or to take them out.
#pragma once

#include "camvault/codec/unit.h"

namespace camvault::cli {

// True for a user_data_unregistered SEI with ONVIF's UUID (ONVIF Media Signing 5.7) as its first message.
bool is_media_signing_sei(codec::Codec codec, BytesView unit);

}  // namespace camvault::cli

// The one thing that Axis Signed Video needs of PEM (RFC 7468): a bare public key.
#pragma once

#include <string>
#include <string_view>

#include "camvault/base/bytes.h"

namespace camvault::signed_video::axis {

// The DER inside "-----BEGIN PUBLIC KEY-----". Strict base64; white space between its characters is allowed.
Result<Bytes> public_key_der(std::string_view pem);

std::string public_key_pem(BytesView der);

}  // namespace camvault::signed_video::axis

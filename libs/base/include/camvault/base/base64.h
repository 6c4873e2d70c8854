// Base64 (RFC 4648 section 4).
#pragma once

#include <string>
#include <string_view>

#include "camvault/base/bytes.h"

namespace camvault {

// Strict, but for white space between the characters. Errc::malformed.
Result<Bytes> read_base64(std::string_view text);
std::string write_base64(BytesView content);  // in one line

}  // namespace camvault

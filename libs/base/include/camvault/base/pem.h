// The textual encoding of RFC 7468: base64 between two lines that name what it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/bytes.h"

namespace camvault {

// The content of every "-----BEGIN <label>-----" block, in order; what stands between blocks is passed over.
// Strict base64; white space between its characters is allowed. Errc::malformed if a block does not end or is
// no base64; no block is an empty list. Errc::limit beyond `limit` blocks.
Result<std::vector<Bytes>> read_pem(std::string_view text, std::string_view label, std::size_t limit = 16);

std::string write_pem(std::string_view label, BytesView content);

}  // namespace camvault

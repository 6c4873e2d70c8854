// RFC 5280 section 6: does a chain lead from this certificate to an anchor, at that time?
#pragma once

#include "camvault/crypto/certificate.h"

namespace camvault::crypto_openssl {

crypto::PathResult validate_path(const crypto::PathRequest& request);
bool is_signed_by(const crypto::Certificate& certificate, const crypto::Certificate& issuer);

}  // namespace camvault::crypto_openssl

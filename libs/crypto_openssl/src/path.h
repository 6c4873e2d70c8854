// RFC 5280 section 6: does a chain lead from this certificate to an anchor, at that time?
#pragma once

#include "camvault/crypto/certificate.h"
#include "ossl.h"

namespace camvault::crypto_openssl {

crypto::PathResult validate_path(const crypto::PathRequest& request);
// Is an extended key usage in the certificate: not restricted at all, named, through anyExtendedKeyUsage, or
// not.
enum class Usage { unrestricted, listed, any, not_listed };
Usage usage_of(const X509* x509, const ASN1_OBJECT* wanted);

bool is_signed_by(const crypto::Certificate& certificate, const crypto::Certificate& issuer);

}  // namespace camvault::crypto_openssl

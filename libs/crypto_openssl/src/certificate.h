// Certificates and revocation lists from bytes to values.
#pragma once

#include "camvault/crypto/certificate.h"
#include "ossl.h"

namespace camvault::crypto_openssl {

Result<crypto::Certificate> certificate_from_der(BytesView der);
Result<std::vector<crypto::Certificate>> certificates_from_pem(std::string_view pem, std::size_t limit);
Result<crypto::RevocationList> crl_from_pem_or_der(BytesView data);

// The OpenSSL object of bytes that were accepted before; empty on failure.
X509Cert x509_from_der(BytesView der);
X509Crl crl_from_der(BytesView der);

// RFC 4514 in printable ASCII: control characters, bytes past 0x7E and what RFC 4514 2.4 names are escaped,
// so that a name shown on a terminal or in a page cannot be anything but text.
std::string printable_name(const X509_NAME* name);
// The one value of an attribute, same alphabet; empty if there is none, or more than one (then none can be
// meant).
std::string single_attribute(const X509_NAME* name, int nid);

// RFC 5280 4.1.2.5: UTCTime or GeneralizedTime, in seconds, UTC. Not by time_t: 99991231235959Z has a value
// here.
Result<Timestamp> timestamp_of(const ASN1_TIME* time);

}  // namespace camvault::crypto_openssl

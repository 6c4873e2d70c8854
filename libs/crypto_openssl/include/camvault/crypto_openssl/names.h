// Names in certificates as other programs show them.
#pragma once

#include <string>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"

namespace camvault::crypto_openssl {

// "/O=Acme/CN=Acme Device CA": OpenSSL's X509_NAME_oneline, by which FreeRADIUS and others compare names.
// What is not printable ASCII is "\xC3"; older versions of OpenSSL escape no slash, so one text may stand for
// several names.
struct OneLineNames {
  std::string subject;
  std::string issuer;
};
Result<OneLineNames> one_line_names(BytesView certificate_der);

}  // namespace camvault::crypto_openssl

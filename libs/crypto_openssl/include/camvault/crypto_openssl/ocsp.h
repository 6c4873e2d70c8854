// The question to an OCSP responder (RFC 6960 4.1). The answer is read by crypto::Engine::ocsp_from_der and
// judged with the path it is about.
#pragma once

#include <string>
#include <vector>

#include "camvault/crypto/certificate.h"

namespace camvault::crypto_openssl {

// An OCSPRequest about one certificate, which `issuer` issued (Errc::usage otherwise). Certificates are named
// by SHA-1 hashes, as every responder knows them. No nonce: answers made beforehand are as good at recording
// time.
Result<Bytes> encode_ocsp_request(const crypto::Certificate& certificate, const crypto::Certificate& issuer);

// URLs of responders that the certificate names (authorityInfoAccess); at most 8, printable ASCII.
std::vector<std::string> ocsp_responders_of(const crypto::Certificate& certificate);

}  // namespace camvault::crypto_openssl

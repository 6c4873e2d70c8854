// Asks an OCSP responder about certificates.
#pragma once

#include <string>
#include <vector>

#include "camvault/authority_client/http.h"
#include "camvault/crypto/engine.h"

namespace camvault::authority_client {

// The responder that the certificate itself names (authorityInfoAccess, RFC 5280 4.2.2.1), http or https;
// empty if none.
std::string responder_of(const crypto::Certificate& certificate);

// What the responder says about `certificate`, which `issuer` issued. Not judged yet:
// crypto::PathRequest::ocsp does that. Errors as those of `ask`, Errc::malformed for what is no OCSP
// response, Errc::unavailable when the responder answers with an error.
Result<crypto::OcspResponse> fetch_ocsp(const crypto::Engine& engine, const Server& responder,
                                        const crypto::Certificate& certificate,
                                        const crypto::Certificate& issuer);

}  // namespace camvault::authority_client

// Asking the OCSP responders of a clip's certificates, when the user wants that: it tells them what is being
// looked at.
#pragma once

#include <string>
#include <vector>

#include "camvault/crypto/engine.h"

namespace camvault::cli {

// What the responders say about the certificates of `chain` (leaf first), whose issuers are in it or among
// `anchors`. `url`: this responder for all; empty: those that the certificates name. Who does not answer is
// said on standard error.
std::vector<crypto::OcspResponse> ask_responders(const crypto::Engine& engine,
                                                 const std::vector<crypto::Certificate>& chain,
                                                 const std::vector<crypto::Certificate>& anchors,
                                                 const std::string& url);

}  // namespace camvault::cli

#include "revocation_online.h"

#include <algorithm>

#include "camvault/authority_client/ocsp_client.h"
#include "exit_code.h"

namespace camvault::cli {

namespace {
constexpr std::size_t kMaxAsked = 8;  // certificates of one chain

const crypto::Certificate* issuer_of(const crypto::Engine& engine, const crypto::Certificate& certificate,
                                     const std::vector<crypto::Certificate>& candidates) {
  const auto found = std::find_if(candidates.begin(), candidates.end(), [&](const auto& candidate) {
    return candidate.subject == certificate.issuer && candidate.der != certificate.der &&
           engine.is_signed_by(certificate, candidate);
  });
  return found == candidates.end() ? nullptr : &*found;
}
}  // namespace

std::vector<crypto::OcspResponse> ask_responders(const crypto::Engine& engine,
                                                 const std::vector<crypto::Certificate>& chain,
                                                 const std::vector<crypto::Certificate>& anchors,
                                                 const std::string& url) {
  std::vector<crypto::OcspResponse> out;
  auto candidates = chain;
  candidates.insert(candidates.end(), anchors.begin(), anchors.end());
  for (std::size_t i = 0; i < std::min(chain.size(), kMaxAsked); ++i) {
    const auto& certificate = chain[i];
    const auto* issuer = issuer_of(engine, certificate, candidates);
    if (issuer == nullptr) continue;
    authority_client::Server responder;
    responder.url = url.empty() ? authority_client::responder_of(certificate) : url;
    if (responder.url.empty()) {
      complain(kYes, "note: the certificate " + certificate.subject + " names no OCSP responder");
      continue;
    }
    auto response = authority_client::fetch_ocsp(engine, responder, certificate, *issuer);
    if (response) {
      out.push_back(std::move(*response));
    } else {
      complain(kYes, "note: no OCSP response about " + certificate.subject + ": " + response.error().what);
    }
  }
  return out;
}

}  // namespace camvault::cli

#include "camvault/authority_client/ocsp_client.h"

#include "camvault/crypto_openssl/ocsp.h"

namespace camvault::authority_client {

std::string responder_of(const crypto::Certificate& certificate) {
  for (const auto& url : crypto_openssl::ocsp_responders_of(certificate)) {
    if (check_url(url)) return url;
  }
  return {};
}

Result<crypto::OcspResponse> fetch_ocsp(const crypto::Engine& engine, const Server& responder,
                                        const crypto::Certificate& certificate,
                                        const crypto::Certificate& issuer) {
  CAM_TRY(const auto request, crypto_openssl::encode_ocsp_request(certificate, issuer));
  Question question;  // RFC 6960 appendix A
  question.content_type = "application/ocsp-request";
  question.expected_type = "application/ocsp-response";
  question.body = request;
  CAM_TRY(const auto answer, ask(responder, question));
  return engine.ocsp_from_der(answer);
}

}  // namespace camvault::authority_client

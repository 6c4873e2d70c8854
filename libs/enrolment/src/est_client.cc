#include "camvault/enrolment/est_client.h"

#include "camvault/crypto_openssl/issue.h"

namespace camvault::enrolment {

Result<Bytes> EstClient::ask(EstOperation operation, std::string_view content_type, const std::string& body,
                             std::string_view expected_type) {
  http::Request request;
  request.method = content_type.empty() ? "GET" : "POST";
  request.target =
      std::string(kEstPath) + "/" + (label_.empty() ? "" : label_ + "/") + std::string(path_of(operation));
  if (!content_type.empty()) {
    request.headers.add("Content-Type", std::string(content_type));
    request.headers.add("Content-Transfer-Encoding", "base64");
    request.body = to_bytes(as_bytes(body));
  }
  CAM_TRY(const auto response, transport_.exchange(request));
  retry_after_ = http::retry_after(response);
  const auto said = "the EST server answers " + std::string(path_of(operation)) + " with status " +
                    std::to_string(response.status);
  if (response.status == 204 || response.status == 404) return fail(Errc::not_found, said);
  if (response.status == 202 || response.status == 429 || response.status >= 500)
    return fail(response.status == 501 ? Errc::unsupported : Errc::unavailable, said);
  if (response.status != 200) return fail(Errc::denied, said);
  if (http::media_type(response.headers.get("Content-Type")) != expected_type)
    return fail(Errc::malformed, "the EST server answers with another kind of message");
  auto der = decode_body(response.body);
  if (!der) return fail_in("the EST server's answer to " + std::string(path_of(operation)), der.error());
  return der;
}

Result<std::vector<crypto::Certificate>> EstClient::ca_certificates() {
  CAM_TRY(const auto der, ask(EstOperation::cacerts, {}, {}, "application/pkcs7-mime"));
  auto certificates = crypto_openssl::read_certs_only(der);
  if (!certificates) return fail_in("the EST server's CA certificates", certificates.error());
  if (certificates->empty()) return fail(Errc::malformed, "the EST server names no CA");
  return certificates;
}

Result<CsrAttributes> EstClient::csr_attributes() {
  auto der = ask(EstOperation::csrattrs, {}, {}, "application/csrattrs");
  // RFC 7030 4.5.2: 204 and 404 say that nothing is wished.
  if (!der && der.error().code == Errc::not_found) return CsrAttributes{};
  if (!der) return tl::unexpected(der.error());
  return read_csr_attributes(*der);
}

Result<std::vector<crypto::Certificate>> EstClient::enrol(const MakeRequest& make_request, bool again) {
  CAM_TRY(const auto wanted, csr_attributes());
  std::string challenge;
  if (wanted.challenge_password || transport_.always_binds()) {
    auto binding = transport_.channel_binding();
    if (binding) {
      challenge = binding_text(*binding);
    } else if (wanted.challenge_password) {
      return tl::unexpected(binding.error());
    }
  }
  CAM_TRY(const auto request, make_request(challenge));
  CAM_TRY(const auto der, ask(again ? EstOperation::simplereenroll : EstOperation::simpleenroll,
                              "application/pkcs10", encode_body(request), "application/pkcs7-mime"));
  auto certificates = crypto_openssl::read_certs_only(der);
  if (!certificates) return fail_in("the EST server's certificate", certificates.error());
  if (certificates->empty()) return fail(Errc::malformed, "the EST server sends no certificate");
  return certificates;
}

}  // namespace camvault::enrolment

#include "camvault/enrolment/est_server.h"

namespace camvault::enrolment {

namespace {
EstAnswer refuse(int status, std::string why) {
  EstAnswer out;
  out.response.status = status;
  out.response.headers.add("Content-Type", "text/plain");
  if (status == 503) out.response.headers.add("Retry-After", "2");
  if (status == 405) out.response.headers.add("Allow", "GET, POST");
  out.why = std::move(why);
  return out;
}

EstAnswer give(std::string content_type, BytesView der) {
  EstAnswer out;
  out.response.headers.add("Content-Type", std::move(content_type));
  out.response.headers.add("Content-Transfer-Encoding",
                           "base64");  // RFC 8951 3.1: clients of then look for it
  out.response.body = to_bytes(as_bytes(encode_body(der)));
  return out;
}

int status_of(const Error& error) {
  switch (error.code) {
    case Errc::denied:
      return 403;
    case Errc::unavailable:
    case Errc::io:
    case Errc::internal:
      return 503;  // nothing is lost: the client asks again
    default:
      return 400;
  }
}

// RFC 7030 3.5: if the request says to which connection it belongs, it must be this one.
Status check_binding(const crypto_openssl::CertificateRequest& request, const EstPeer& peer, bool wanted) {
  if (request.challenge_password.empty()) {
    if (wanted) return fail(Errc::invalid, "the request is not bound to its connection");
    return ok();
  }
  const bool fits =
      peer.channel_binding && equal_constant_time(as_bytes(request.challenge_password),
                                                  as_bytes(binding_text(*peer.channel_binding)));
  if (!fits) return fail(Errc::invalid, "the request is bound to another connection");
  return ok();
}

EstAnswer enrol(Registrar& registrar, const http::Request& message, const EstPeer& peer, bool again,
                bool media) {
  if (peer.path.empty()) return refuse(401, "no certificate was shown");
  if (http::media_type(message.headers.get("Content-Type")) != "application/pkcs10")
    return refuse(415, "not a PKCS#10 request by its type");
  const auto der = decode_body(message.body);
  if (!der) return refuse(400, der.error().what);
  const auto request = crypto_openssl::read_certificate_request(*der);
  if (!request) return refuse(400, request.error().what);
  const auto bound = check_binding(*request, peer, registrar.csr_attributes().challenge_password);
  if (!bound) return refuse(400, bound.error().what);
  const auto certificates =
      media ? registrar.enrol_media(*request, peer) : registrar.enrol(*request, peer, again);
  if (!certificates) return refuse(status_of(certificates.error()), certificates.error().what);
  // RFC 7030 4.2.3 wants the certificate alone; those above it are in cacerts.
  return give("application/pkcs7-mime; smime-type=certs-only",
              crypto_openssl::encode_certs_only({certificates->front()}));
}
}  // namespace

Result<std::vector<crypto::Certificate>> Registrar::enrol_media(const crypto_openssl::CertificateRequest&,
                                                                const EstPeer&) {
  return fail(Errc::denied, "this registrar gives no certificates for media signing");
}

EstAnswer answer_est(Registrar& registrar, const http::Request& request, const EstPeer& peer) {
  const auto operation = operation_of(request.path());
  if (!operation) return refuse(404, "no such operation");
  const bool posts = *operation == EstOperation::simpleenroll || *operation == EstOperation::simplereenroll ||
                     *operation == EstOperation::serverkeygen;
  if (request.method != (posts ? "POST" : "GET")) return refuse(405, "another method");
  const bool media = label_of(request.path()) == kMediaLabel;
  switch (*operation) {
    case EstOperation::cacerts:
      return give("application/pkcs7-mime", crypto_openssl::encode_certs_only(registrar.ca_certificates()));
    case EstOperation::csrattrs:
      return give("application/csrattrs", encode_csr_attributes(registrar.csr_attributes()));
    case EstOperation::simpleenroll:
      return enrol(registrar, request, peer, false, media);
    case EstOperation::simplereenroll:
      return enrol(registrar, request, peer, true, media);
    case EstOperation::serverkeygen:
      return refuse(501, "keys are made in the device");
  }
  return refuse(404, "no such operation");
}

}  // namespace camvault::enrolment

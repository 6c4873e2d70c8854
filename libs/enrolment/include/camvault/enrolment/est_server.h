// The server's half of EST, without its transport.
#pragma once

#include "camvault/crypto_openssl/issue.h"
#include "camvault/enrolment/est.h"

namespace camvault::enrolment {

// Who asks, as TLS knows it.
struct EstPeer {
  std::vector<crypto::Certificate> path;  // leaf first, anchor last, judged; empty: no certificate was shown
  std::optional<Bytes> channel_binding;   // none: the transport has none
};

// Decides and issues. Called from several threads at a time.
class Registrar {
 public:
  virtual ~Registrar() = default;
  // What clients are to trust from now on: the issuing CA first.
  virtual std::vector<crypto::Certificate> ca_certificates() = 0;
  virtual CsrAttributes csr_attributes() = 0;
  // The certificate and those above it but the root. Asked again with the same request (the answer was lost
  // on the way) it gives the same certificate. Errc::denied: not this device; Errc::unavailable: later.
  virtual Result<std::vector<crypto::Certificate>> enrol(const crypto_openssl::CertificateRequest& request,
                                                         const EstPeer& peer, bool again) = 0;
  // The same under kMediaLabel: for a key that signs video, of the device that asks.
  virtual Result<std::vector<crypto::Certificate>> enrol_media(
      const crypto_openssl::CertificateRequest& request, const EstPeer& peer);
};

// Answers whatever comes: refusals are answers, too (400, 401, 403, 404, 405, 413, 415, 501, 503). What is
// wrong stands in `why` for the log, and not in the answer.
struct EstAnswer {
  http::Response response;
  std::string why;
};
EstAnswer answer_est(Registrar& registrar, const http::Request& request, const EstPeer& peer);

}  // namespace camvault::enrolment

// The client's half of EST, without its transport.
#pragma once

#include <functional>

#include "camvault/crypto/engine.h"
#include "camvault/enrolment/est.h"

namespace camvault::enrolment {

// One connection to an EST server, authenticated by both sides.
class EstTransport {
 public:
  virtual ~EstTransport() = default;
  // Headers of the transport (Host) are its own. Answers above kMaxEstBody are Errc::limit.
  virtual Result<http::Response> exchange(const http::Request& request) = 0;
  virtual Result<Bytes> channel_binding() = 0;
  // TLS 1.2: the RFC's own binding, which is always sent; a newer one only if the server asks for it.
  virtual bool always_binds() const = 0;
};

class EstClient {
 public:
  // `label`: between the path's parts, RFC 7030 3.2.2; empty: none.
  explicit EstClient(EstTransport& transport, std::string label = {})
      : transport_(transport), label_(std::move(label)) {}

  Result<std::vector<crypto::Certificate>> ca_certificates();
  Result<CsrAttributes> csr_attributes();
  // `make_request` gets the challenge password to put into the PKCS#10 (empty: none). Returns the
  // certificates of the answer. Errc::unavailable: try again later (retry_after says when, if the server
  // did); Errc::denied: the server refuses.
  using MakeRequest = std::function<Result<Bytes>(const std::string& challenge_password)>;
  Result<std::vector<crypto::Certificate>> enrol(const MakeRequest& make_request, bool again);

  std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }

 private:
  Result<Bytes> ask(EstOperation operation, std::string_view content_type, const std::string& body,
                    std::string_view expected_type);
  EstTransport& transport_;
  std::string label_;
  std::optional<std::chrono::seconds> retry_after_;
};

}  // namespace camvault::enrolment

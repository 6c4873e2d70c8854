// OCSP responses (RFC 6960) looked at for one path.
#pragma once

#include <openssl/ocsp.h>

#include <map>
#include <utility>
#include <vector>

#include "camvault/crypto/certificate.h"
#include "revocation.h"

namespace camvault::crypto_openssl {

using OcspBasic = Owned<OCSP_BASICRESP, OCSP_BASICRESP_free>;

Result<crypto::OcspResponse> ocsp_from_der(BytesView der);

// Responses parse once and their signatures are checked once per issuer. Not for use from several threads.
class OcspResponses {
 public:
  explicit OcspResponses(const std::vector<crypto::OcspResponse>* responses);
  // `lists` tell whether the responder itself was revoked.
  Revocation look_up(const X509* certificate, const X509* issuer, Timestamp at, bool proven,
                     RevocationLists& lists);

 private:
  struct Response {
    OcspBasic basic;
    Timestamp produced_at;
    std::map<const X509*, bool> vouched_by;  // by issuer
  };
  static bool is_vouched_by(Response& response, const X509* issuer, RevocationLists& lists);
  std::vector<Response> responses_;
};

}  // namespace camvault::crypto_openssl

// OCSP responses, read and then judged against a real chain (fuzz/authority_certificates.h). Laws: a response
// never makes a certificate without a path trusted, "revoked" has a reason, and nothing but the two seeds
// signed by the CA can say anything.
#include "authority_certificates.h"
#include "camvault/crypto_openssl/engine.h"
#include "fuzz.h"

namespace {

using namespace camvault;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: OCSPResponse's second element is stepped into by its length byte, unchecked.
unsigned planted_status(BytesView response) {
  if (response.size() < 5 || response[0] != 0x30 || response[2] != 0x0a) return 0;
  const std::size_t at = 4u + response[3];
  return response.data()[at];
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_status(input));
#endif
  static const auto engine = crypto_openssl::make_openssl_engine();
  static const auto anchors = engine->certificates_from_pem(fuzz::kCa).value();
  static const auto leaf = engine->certificates_from_pem(fuzz::kLeaf).value().front();
  static const auto stranger = engine->certificates_from_pem(fuzz::kTimeRoot).value();
  const auto response = engine->ocsp_from_der(input);
  if (!response) return 0;
  law(response->der.size() == size, "a response is the whole input");
  law(response->certificates > 0 && response->certificates <= 64, "a response speaks about something");
  const std::vector<crypto::OcspResponse> responses{*response};
  crypto::PathRequest request;
  request.leaf = &leaf;
  request.anchors = &anchors;
  request.ocsp = &responses;
  for (const auto* at : {"2026-12-01T00:00:00Z", "2030-01-01T00:00:00Z"}) {
    request.at = from_iso8601(at).value();
    const auto result = engine->validate_path(request);
    law(result.verdict == crypto::PathVerdict::trusted || result.verdict == crypto::PathVerdict::revoked,
        "a response makes a path revoked or leaves it alone");
    law(result.verdict != crypto::PathVerdict::revoked || !result.reason.empty(), "revoked has a reason");
  }
  request.anchors = &stranger;
  law(engine->validate_path(request).verdict == crypto::PathVerdict::no_anchor,
      "a response makes nobody trusted");
  return 0;
}

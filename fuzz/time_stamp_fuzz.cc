// Answers of time stamp authorities: the token taken out, and judged. Laws: a token comes out byte for byte,
// what is trusted was made for the imprint asked for and has a time within the authority's certificate, and
// the same token is refused for any other imprint.
#include <algorithm>

#include "authority_certificates.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/time_stamp.h"
#include "fuzz.h"

namespace {

using namespace camvault;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: a long-form length is believed.
std::size_t planted_last_byte(BytesView answer) {
  if (answer.size() < 8 || answer[0] != 0x30 || answer[1] != 0x82) return 0;
  const std::size_t length = static_cast<std::size_t>(answer[2]) << 8 | answer[3];
  return answer.data()[3 + length];
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_last_byte(input));
#endif
  static const auto engine = crypto_openssl::make_openssl_engine();
  static const auto anchors = engine->certificates_from_pem(fuzz::kTimeRoot).value();
  static const auto imprint = engine->digest(crypto::HashAlg::sha256, as_bytes("a signature"));
  static const auto other = engine->digest(crypto::HashAlg::sha256, as_bytes("another signature"));
  const auto token = crypto_openssl::time_stamp_token_of(input);
  if (token) {
    law(std::search(input.begin(), input.end(), token->begin(), token->end()) != input.end(),
        "a token is the answer's own bytes");
  }
  for (const auto& bytes : {token ? BytesView(*token) : BytesView(), input}) {
    crypto::TimeStampCheck check;
    check.token = bytes;
    check.imprint = imprint;
    check.anchors = &anchors;
    const auto result = engine->check_time_stamp(check);
    law(!result.reason.empty(), "every verdict has a reason");
    if (result.verdict != crypto::TimeStampVerdict::trusted) continue;
    law(result.time.has_value() && !result.authority.empty(), "a trusted token says when and who");
    check.imprint = other;
    law(engine->check_time_stamp(check).verdict == crypto::TimeStampVerdict::invalid,
        "a token is good for one imprint");
  }
  return 0;
}

// The answering side of OCSP (RFC 6960): reading what somebody asks, and signing what is so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "camvault/crypto_openssl/issue.h"

namespace camvault::crypto_openssl {

inline constexpr std::size_t kMaxOcspQuery = 16 * 1024;
inline constexpr std::size_t kMaxOcspQuestions = 16;  // certificates that one query asks about
inline constexpr std::size_t kMaxOcspNonce = 128;     // RFC 9654 2.1

struct OcspQuestion {
  Bytes certificate_id;  // DER, repeated in the answer as it came
  Bytes number;          // of the certificate, big endian without leading zeros
};
struct OcspQuery {
  std::vector<OcspQuestion> questions;
  Bytes nonce;  // the content of the extension; empty: none
};
// An OCSPRequest in DER about certificates of `issuer`: names in SHA-1 or SHA-2. Errc::malformed;
// Errc::limit; Errc::denied for certificates of another issuer, Errc::unsupported for critical extensions. A
// signature on the request is not looked at.
Result<OcspQuery> read_ocsp_query(BytesView der, const crypto::Certificate& issuer);

// The question about one certificate, for answers that are made beforehand.
Result<OcspQuestion> ocsp_question(const crypto::Certificate& issuer, BytesView number);

struct OcspAnswer {
  enum class State : std::uint8_t { good, revoked, unknown };
  OcspQuestion question;
  State state = State::unknown;
  Timestamp since;  // of a revoked one
  RevocationReason reason = RevocationReason::unspecified;
};
struct OcspContent {
  std::vector<OcspAnswer> answers;  // 1 to kMaxOcspQuestions
  Timestamp this_update;
  Timestamp next_update;
  Bytes nonce;
};
// A complete OCSPResponse in DER by a responder whose certificate the issuer signed for that purpose, or by
// the issuer itself. The responder's certificate travels with it. Errc::usage if the key is not the
// certificate's.
Result<Bytes> issue_ocsp_response(crypto::SigningKey& key, const crypto::Certificate& responder,
                                  const OcspContent& content, RsaPadding padding = RsaPadding::pkcs1v15);

// An OCSPResponse that only says why there is none (RFC 6960 4.2.1).
enum class OcspRefusal : std::uint8_t {
  malformed_request = 1,
  internal_error = 2,
  try_later = 3,
  unauthorized = 6
};
Bytes ocsp_refusal(OcspRefusal why);

}  // namespace camvault::crypto_openssl

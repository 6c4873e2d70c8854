#include "camvault/authority_client/time_stamp_client.h"

#include "camvault/crypto_openssl/time_stamp.h"

namespace camvault::authority_client {

namespace {
constexpr std::size_t kNonceSize = 16;
}  // namespace

Result<TimeStampToken> fetch_time_stamp(const crypto::Engine& engine, const TimeStampAuthority& authority,
                                        const crypto::Digest& digest) {
  Bytes nonce(kNonceSize);
  engine.random(nonce);
  nonce[0] |= 0x01;  // never zero
  CAM_TRY(const auto query,
          crypto_openssl::encode_time_stamp_query(crypto::HashAlg::sha256, digest, nonce, authority.policy));
  Question question;  // RFC 3161 3.4
  question.content_type = "application/timestamp-query";
  question.expected_type = "application/timestamp-reply";
  question.body = query;
  question.max_answer = crypto_openssl::kMaxTimeStampAnswer;
  CAM_TRY(const auto answer, ask(authority.server, question));
  TimeStampToken token;
  CAM_TRY(token.der, crypto_openssl::time_stamp_token_of(answer));
  crypto::TimeStampCheck check;
  check.token = token.der;
  check.imprint = digest;
  check.nonce = nonce;
  check.policy = authority.policy;
  check.anchors = &authority.anchors;
  token.says = engine.check_time_stamp(check);
  const auto verdict = token.says.verdict;
  const bool good = verdict == crypto::TimeStampVerdict::trusted ||
                    (verdict == crypto::TimeStampVerdict::untrusted && authority.anchors.empty());
  if (good) return token;
  const auto code = verdict == crypto::TimeStampVerdict::malformed ? Errc::malformed : Errc::invalid;
  return fail(code, "the time stamp cannot be used: " + token.says.reason);
}

}  // namespace camvault::authority_client

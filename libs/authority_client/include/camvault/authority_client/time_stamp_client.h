// One time stamp from one authority.
#pragma once

#include <vector>

#include "camvault/authority_client/http.h"
#include "camvault/crypto/engine.h"
#include "camvault/crypto/time_stamp.h"

namespace camvault::authority_client {

struct TimeStampAuthority {
  Server server;
  std::string policy;  // dotted; empty: the authority's choice
  // Who may be the authority. Without any, a token is taken of whoever answers, if it is good in itself.
  std::vector<crypto::Certificate> anchors;
};

struct TimeStampToken {
  Bytes der;
  crypto::TimeStampResult says;  // as it was judged when it came; nonce and imprint fit
};

// Asks for a time stamp over a SHA-256 digest and judges the answer: nonce, imprint, policy, signature,
// certificate, and, with anchors, the chain. Waits. Errc::unavailable: nobody there, or no answer within the
// time; Errc::denied: the authority refuses; Errc::invalid: an answer that must not be used; Errc::malformed:
// garbage.
Result<TimeStampToken> fetch_time_stamp(const crypto::Engine& engine, const TimeStampAuthority& authority,
                                        const crypto::Digest& digest);

}  // namespace camvault::authority_client

// The two messages between somebody who wants a time stamp and an authority (RFC 3161 2.4). What comes back
// is judged by crypto::Engine::check_time_stamp.
#pragma once

#include <string>
#include <string_view>

#include "camvault/crypto/hash.h"
#include "camvault/crypto/time_stamp.h"

namespace camvault::crypto_openssl {

// Of an answer: the token and room for words.
inline constexpr std::size_t kMaxTimeStampAnswer = crypto::kMaxTimeStampToken + 4096;

// TimeStampReq for a digest, with the wish for the authority's certificates. `nonce`: big endian, 1 to 32
// bytes, not zero. `policy`: dotted, empty = the authority's choice.
Result<Bytes> encode_time_stamp_query(crypto::HashAlg hash, const crypto::Digest& digest, BytesView nonce,
                                      std::string_view policy = {});

// The token in an answer (TimeStampResp), byte for byte as it came. Errc::denied with the authority's reason
// when it refused, Errc::malformed, Errc::limit.
Result<Bytes> time_stamp_token_of(BytesView answer);

}  // namespace camvault::crypto_openssl

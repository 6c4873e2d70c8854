// The three messages.
#pragma once

#include "camvault/peer_auth/handshake.h"

namespace camvault::peer_auth {

struct Hello {
  Bytes nonce;
  std::vector<Bytes> chain;  // DER, leaf first
};
struct Challenge {
  Bytes nonce;
  std::vector<Bytes> chain;
  Bytes signature;
};
struct Finish {
  Bytes signature;
};

Result<Bytes> encode(const Hello& hello);
Result<Bytes> encode(const Challenge& challenge);
Result<Bytes> encode(const Finish& finish);
// Errc::malformed for all that encode() does not write.
Result<Hello> decode_hello(BytesView message);
Result<Challenge> decode_challenge(BytesView message);
Result<Finish> decode_finish(BytesView message);

}  // namespace camvault::peer_auth

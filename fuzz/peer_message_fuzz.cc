// Messages of peer authentication, as the three readers take them. Laws: what is accepted is written again as
// it was, and is one of the three only.
#include "fuzz.h"
#include "messages.h"

namespace {

using namespace camvault;
using namespace camvault::peer_auth;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: a nonce that is taken to be there because its length says so.
unsigned planted_nonce(BytesView message) {
  unsigned sum = 0;
  for (std::size_t at = 0; at + 3 < message.size(); ++at) {
    if (message[at] != 1 || message[at + 1] != 0x58 || message[at + 2] != 0x20) continue;
    for (std::size_t i = 0; i < kNonce; ++i) sum += message.data()[at + 3 + i];
  }
  return sum;
}
#endif

template <class M>
bool same_again(const Result<M>& message, BytesView input) {
  if (!message) return false;
  const auto again = encode(*message);
  law(again && equal(*again, input), "what is accepted is written again as it was");
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_nonce(input));
#endif
  const int kinds = (same_again(decode_hello(input), input) ? 1 : 0) +
                    (same_again(decode_challenge(input), input) ? 1 : 0) +
                    (same_again(decode_finish(input), input) ? 1 : 0);
  law(kinds <= 1, "a message is one of the three");
  return 0;
}

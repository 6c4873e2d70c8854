// Evidence about keys. Laws: what is accepted re-encodes to itself, and is never good about a key that it
// does not name.
#include "camvault/attestation/check.h"
#include "camvault/crypto_openssl/engine.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::attestation;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: the statement's length byte is believed.
unsigned planted_statement_end(BytesView evidence) {
  if (evidence.size() < 4 || evidence[0] != 0xa5 || evidence[2] != 0x58) return 0;
  return evidence.data()[3u + evidence[3]];
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_statement_end(input));
#endif
  static const auto engine = crypto_openssl::make_openssl_engine();
  if (const auto statement = decode_statement(input)) {
    law(equal(encode_statement(*statement).value(), input), "an accepted statement re-encodes to itself");
  }
  const auto evidence = decode_evidence(input);
  if (evidence)
    law(equal(encode_evidence(*evidence).value(), input), "accepted evidence re-encodes to itself");
  const auto found = check(*engine, {kKeystored, input, as_bytes("no such key"), {}, {}});
  law(found.standing == Standing::invalid, "evidence is about the key it names and no other");
  law(!found.reason.empty(), "every standing has a reason");
  return 0;
}

// Signatures beside reports and exports. Input: the length of the signature in two bytes, the signature, then
// what it speaks about; and, all of it, as the name of an algorithm. Laws: what fits does not fit anything
// else, and has a signer; a name that is accepted is the one we write.
#include <algorithm>

#include "camvault/crypto_openssl/detached_signature.h"
#include "camvault/crypto_openssl/engine.h"
#include "fuzz.h"

namespace {

using namespace camvault;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: an object identifier is as long as its length byte says.
unsigned planted_identifier(BytesView der) {
  unsigned sum = 0;
  const auto begin = std::find(der.begin(), der.end(), 0x06);
  if (der.end() - begin < 2) return 0;
  for (std::size_t i = 0; i < begin[1]; ++i) sum += (&*begin)[2 + i];
  return sum;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto engine = crypto_openssl::make_openssl_engine();
  const BytesView input(data, size);
  if (const auto algorithm = crypto_openssl::seal_algorithm_of(input))
    law(equal(algorithm->identifier, input), "an accepted name is ours");
  if (size < 2) return 0;
  const auto length = std::min<std::size_t>(static_cast<std::size_t>(data[0]) << 8 | data[1], size - 2);
  const auto signature = input.subspan(2, length);
  const auto content = input.subspan(2 + length);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_identifier(signature));
#endif
  const auto found = crypto_openssl::verify_detached(*engine, signature, content);
  if (!found) {
    law(!found.error().what.empty(), "an error says what is wrong");
    return 0;
  }
  law(!found->chain.empty() && found->chain.front().key != nullptr, "somebody signed it");
  auto more = to_bytes(content);
  more.push_back(0);
  const auto other = crypto_openssl::verify_detached(*engine, signature, more);
  law(!other && other.error().code == Errc::invalid, "and nothing else");
  return 0;
}

// What a PKCS#11 token answers, and the URI that names one: numbers become DER or are refused, and nothing
// else.
#include "camvault/keystore_engine/module_values.h"
#include "fuzz.h"
#include "mechanisms.h"
#include "token_uri.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace camvault;
  const BytesView input(data, size);
  for (const auto type : keystore::kAllKeyTypes) {
    if (const auto spki = keystore_pkcs11::spki_of_attribute(type, input)) {
      const auto bare =
          type == keystore::KeyType::ed25519 ? 32 : 1 + 2 * keystore_engine::coordinate_size(type);
      law(equal(BytesView(*spki).last(bare), input.last(bare)), "the token's point is the end of the SPKI");
    }
    static_cast<void>(keystore_engine::ecdsa_der_of_raw(type, input).has_value());
    static_cast<void>(
        keystore_engine::spki_of_rsa(type, input, input.first(std::min<std::size_t>(size, 3))).has_value());
  }
#ifdef CAMVAULT_PLANTED_BUG
  law(size <= 4 || data[0] != 0x04 || data[1] != 0x41 || data[2] != 0x04, "planted: no points on P-256");
#endif
  if (const auto uri = keystore_pkcs11::parse_token_uri(as_text(input))) {
    law(!uri->token || uri->token->find('\0') == std::string::npos, "no label of a token has zeros");
  }
  static_cast<void>(keystore_pkcs11::text_of(data, size));
  return 0;
}

// Handles of TPM keys, and the structures in a TPM's answers, as the backend reads them.
#include <tss2/tss2_mu.h>

#include "blob.h"
#include "fuzz.h"
#include "templates.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace camvault;
  const BytesView input(data, size);
  if (const auto blob = keystore_tpm2::read_blob(input)) {
    law(keystore_tpm2::write_blob(*blob).value().equals(input), "what is accepted is written as it came");
    for (const auto type : keystore::kAllKeyTypes)
      static_cast<void>(keystore_tpm2::spki_of(type, blob->public_area).has_value());
#ifdef CAMVAULT_PLANTED_BUG
    law(false, "planted: no handle is accepted");
#endif
  }
  TPMT_SIGNATURE signature{};
  std::size_t used = 0;
  if (Tss2_MU_TPMT_SIGNATURE_Unmarshal(data, size, &used, &signature) == TSS2_RC_SUCCESS) {
    for (const auto type : keystore::kAllKeyTypes) {
      for (const auto scheme : {crypto::SignatureScheme::ecdsa, crypto::SignatureScheme::rsa_pss,
                                crypto::SignatureScheme::rsa_pkcs1v15, crypto::SignatureScheme::ed25519}) {
        static_cast<void>(keystore_tpm2::signature_of(type, scheme, signature).has_value());
      }
    }
  }
  return 0;
}

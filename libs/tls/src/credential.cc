#include "camvault/tls/credential.h"

namespace camvault::tls {

Result<std::shared_ptr<const Credential>> Credential::create(std::vector<crypto::Certificate> chain,
                                                             std::shared_ptr<crypto::SigningKey> key) {
  if (chain.empty() || key == nullptr) return fail(Errc::usage, "a credential is a certificate and its key");
  const auto& leaf = chain.front();
  if (leaf.key == nullptr || leaf.key->spki_der() != key->spki_der())
    return fail(Errc::usage, "the certificate is not of the key that is to sign");
  return std::shared_ptr<const Credential>(new Credential(std::move(chain), std::move(key)));
}

}  // namespace camvault::tls

// What we prove ourselves with: certificates, and a key that stays where it is.
#pragma once

#include <memory>
#include <vector>

#include "camvault/crypto/certificate.h"
#include "camvault/crypto/key.h"

namespace camvault::tls {

// Immutable; shared between contexts and threads. The key signs on the thread of the handshake.
class Credential {
 public:
  // `chain`: leaf first, then those above it, without the root. Errc::usage if the leaf is not the key's, or
  // empty.
  static Result<std::shared_ptr<const Credential>> create(std::vector<crypto::Certificate> chain,
                                                          std::shared_ptr<crypto::SigningKey> key);

  const crypto::Certificate& leaf() const { return chain_.front(); }
  const std::vector<crypto::Certificate>& chain() const { return chain_; }
  const std::shared_ptr<crypto::SigningKey>& key() const { return key_; }

 private:
  Credential(std::vector<crypto::Certificate> chain, std::shared_ptr<crypto::SigningKey> key)
      : chain_(std::move(chain)), key_(std::move(key)) {}
  std::vector<crypto::Certificate> chain_;
  std::shared_ptr<crypto::SigningKey> key_;
};

}  // namespace camvault::tls

// SHA-2 with a low cost for each message: one context per thread, algorithms fetched once per engine.
#pragma once

#include <array>
#include <span>

#include "camvault/crypto/hash.h"
#include "ossl.h"

namespace camvault::crypto_openssl {

class Digester {
 public:
  Digester();

  crypto::Digest digest(crypto::HashAlg alg, BytesView message) const;
  void digest_batch(crypto::HashAlg alg, std::span<const BytesView> messages,
                    std::span<crypto::Digest> out) const;
  // Null where one message is hashed as fast as several.
  std::unique_ptr<crypto::DigestLanes> lanes(crypto::HashAlg alg) const;
  std::unique_ptr<crypto::Hasher> hasher(crypto::HashAlg alg) const;

 private:
  const EVP_MD* md(crypto::HashAlg alg) const { return mds_[static_cast<std::size_t>(alg)].get(); }
  std::array<EvpMd, 3> mds_;
};

const EVP_MD* evp_md(crypto::HashAlg alg);  // for signatures and certificates, where the lookup costs nothing

}  // namespace camvault::crypto_openssl

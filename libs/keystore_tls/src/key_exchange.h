// An ephemeral key and what comes of it.
#pragma once

#include <openssl/evp.h>

#include "camvault/base/owned.h"
#include "camvault/base/secret.h"
#include "camvault/keystore/tls_secrets.h"

namespace camvault::keystore_tls {

class EphemeralKey {
 public:
  static Result<EphemeralKey> generate(keystore::TlsGroup group);
  Result<Bytes> point() const;
  // RFC 7748 6.1, RFC 8446 7.4.2. Errc::invalid: no point of the group, or one that gives zeros.
  Result<Secret> agree(BytesView peer_point) const;

 private:
  using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
  EphemeralKey(keystore::TlsGroup group, Key key) : group_(group), key_(std::move(key)) {}

  keystore::TlsGroup group_;
  Key key_;
};

}  // namespace camvault::keystore_tls

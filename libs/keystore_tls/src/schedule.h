// The key schedules of TLS over real secrets.
#pragma once

#include "camvault/base/secret.h"
#include "camvault/crypto/key.h"

namespace camvault::keystore_tls {

using crypto::HashAlg;

// RFC 5246 5. `seed`: the label in front.
Result<Secret> prf(HashAlg hash, BytesView secret, BytesView seed, std::size_t size);
// RFC 8446 7.1. `input`, `before` empty: zeros, no stage before.
Result<Secret> extract(HashAlg hash, BytesView before, BytesView input);
Result<Secret> expand_label(HashAlg hash, BytesView secret, BytesView label, BytesView context,
                            std::size_t size);
Result<Bytes> hmac(HashAlg hash, BytesView key, BytesView message);

}  // namespace camvault::keystore_tls

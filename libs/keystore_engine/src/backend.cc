#include "camvault/keystore_engine/backend.h"

namespace camvault::keystore_engine {

namespace {
tl::unexpected<Error> not_this_key() {
  return fail(Errc::unsupported, "keys of this type do not do that");
}
}  // namespace

Result<Bytes> BackendKey::sign_digest(crypto::SignatureScheme, crypto::HashAlg, const crypto::Digest&) const {
  return not_this_key();
}
Result<Bytes> BackendKey::sign_message(crypto::SignatureScheme, crypto::HashAlg, BytesView) const {
  return not_this_key();
}
Result<Bytes> BackendKey::encrypt(BytesView, BytesView) const {
  return not_this_key();
}
Result<Secret> BackendKey::decrypt(BytesView, BytesView) const {
  return not_this_key();
}
Result<Bytes> BackendKey::mac(BytesView) const {
  return not_this_key();
}

Status Backend::destroy(KeyType, const Secret&) {
  return ok();
}

}  // namespace camvault::keystore_engine

#include "key_exchange.h"

#include <openssl/ec.h>
#include <openssl/err.h>

namespace camvault::keystore_tls {

using keystore::TlsGroup;

Result<EphemeralKey> EphemeralKey::generate(TlsGroup group) {
  Key key(group == TlsGroup::x25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519") : EVP_EC_gen("P-256"));
  ERR_clear_error();
  if (key == nullptr) return fail(Errc::internal, "OpenSSL makes no key");
  return EphemeralKey(group, std::move(key));
}

Result<Bytes> EphemeralKey::point() const {
  unsigned char* encoded = nullptr;
  const auto size = EVP_PKEY_get1_encoded_public_key(key_.get(), &encoded);
  Bytes out(encoded, encoded + size);
  OPENSSL_free(encoded);
  if (size != keystore::point_size(group_)) return fail(Errc::internal, "a point of another size");
  return out;
}

Result<Secret> EphemeralKey::agree(BytesView peer_point) const {
  using Context = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
  const auto bad = [] {
    ERR_clear_error();
    return fail(Errc::invalid, "no point of the group");
  };
  if (peer_point.size() != keystore::point_size(group_)) return bad();
  const Key peer(EVP_PKEY_new());
  if (peer == nullptr || EVP_PKEY_copy_parameters(peer.get(), key_.get()) != 1 ||
      EVP_PKEY_set1_encoded_public_key(peer.get(), peer_point.data(), peer_point.size()) != 1)
    return bad();
  const Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
  // Checks that the point is on the curve; X25519 refuses a result of zeros.
  bool good = context != nullptr && EVP_PKEY_derive_init(context.get()) == 1 &&
              EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1;
  auto out = Secret::make(32, [&](std::span<std::uint8_t> room) {
    std::size_t size = room.size();
    good = good && EVP_PKEY_derive(context.get(), room.data(), &size) == 1 && size == room.size();
  });
  if (!good) return bad();
  return out;
}

}  // namespace camvault::keystore_tls

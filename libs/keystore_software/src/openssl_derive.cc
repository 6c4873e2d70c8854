// What is computed of a secret or of two keys.
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "camvault/base/owned.h"
#include "openssl.h"

namespace camvault::keystore_software::openssl {

namespace {
using Ctx = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

tl::unexpected<Error> failed(Errc code, const char* what) {
  ERR_clear_error();
  return fail(code, what);
}
}  // namespace

Result<Secret> agree(const Pkey& key, BytesView point) {
  const Pkey peer(EVP_PKEY_new());
  if (peer == nullptr || EVP_PKEY_copy_parameters(peer.get(), key.get()) != 1 ||
      EVP_PKEY_set1_encoded_public_key(peer.get(), point.data(), point.size()) != 1)
    return failed(Errc::invalid, "the other half is no point of the curve");
  const Ctx ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  std::size_t size = 0;
  // The peer is checked: SP 800-56A 5.6.2.3.
  if (ctx == nullptr || EVP_PKEY_derive_init(ctx.get()) != 1 ||
      EVP_PKEY_derive_set_peer_ex(ctx.get(), peer.get(), 1) != 1 ||
      EVP_PKEY_derive(ctx.get(), nullptr, &size) != 1)
    return failed(Errc::invalid, "the keys do not agree");
  bool good = false;
  auto out = Secret::make(size, [&](std::span<std::uint8_t> room) {
    good = EVP_PKEY_derive(ctx.get(), room.data(), &size) == 1 && size == room.size();
  });
  if (!good) return failed(Errc::invalid, "the keys do not agree");
  return out;
}

Result<Secret> pbkdf2(BytesView password, BytesView salt, std::uint32_t rounds, std::size_t size, bool sha1) {
  bool good = false;
  auto out = Secret::make(size, [&](std::span<std::uint8_t> room) {
    good =
        PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()), static_cast<int>(password.size()),
                          salt.data(), static_cast<int>(salt.size()), static_cast<int>(rounds),
                          sha1 ? EVP_sha1() : EVP_sha256(), static_cast<int>(room.size()), room.data()) == 1;
  });
  if (!good) return failed(Errc::internal, "cannot derive");
  return out;
}

}  // namespace camvault::keystore_software::openssl

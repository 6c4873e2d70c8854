#include "camvault/crypto_openssl/password.h"

#include <openssl/hmac.h>

#include "ossl.h"

namespace camvault::crypto_openssl {

namespace {
constexpr std::size_t kLongest = 64 * 1024;
}  // namespace

Result<Secret> pbkdf2_sha256(const Secret& password, BytesView salt, unsigned rounds, std::size_t size) {
  if (password.empty() || salt.empty() || rounds == 0 || size == 0 || password.size() > kLongest ||
      salt.size() > kLongest || size > kLongest)
    return fail(Errc::usage, "PBKDF2 wants a password, a salt and rounds");
  bool good = false;
  auto out = Secret::make(size, [&](std::span<std::uint8_t> room) {
    good = password.reveal([&](BytesView text) {
      return PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(text.data()), static_cast<int>(text.size()),
                               salt.data(), static_cast<int>(salt.size()), static_cast<int>(rounds),
                               EVP_sha256(), static_cast<int>(room.size()), room.data()) == 1;
    });
  });
  clear_errors();
  if (!good) return fail(Errc::internal, "OpenSSL derives no key");
  return out;
}

Result<Bytes> hmac_sha256(const Secret& key, BytesView message) {
  Bytes out(32);
  unsigned size = 0;
  const bool good = key.size() <= kLongest && key.reveal([&](BytesView bytes) {
    return HMAC(EVP_sha256(), bytes.data(), static_cast<int>(bytes.size()), message.data(), message.size(),
                out.data(), &size) != nullptr;
  });
  clear_errors();
  if (!good || size != out.size()) return fail(Errc::internal, "OpenSSL makes no HMAC");
  return out;
}

}  // namespace camvault::crypto_openssl

#include "camvault/crypto_openssl/aes.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "ossl.h"

namespace camvault::crypto_openssl {

namespace {
using CipherCtx = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using Mac = Owned<EVP_MAC, EVP_MAC_free>;
using MacCtx = Owned<EVP_MAC_CTX, EVP_MAC_CTX_free>;

constexpr std::size_t kMaxData = 1024 * 1024;  // channels carry messages of a few thousand bytes

const EVP_CIPHER* cbc(std::size_t key_size) {
  switch (key_size) {
    case 16:
      return EVP_aes_128_cbc();
    case 24:
      return EVP_aes_192_cbc();
    case 32:
      return EVP_aes_256_cbc();
    default:
      return nullptr;
  }
}

Status run_cbc(BytesView key, const AesBlock& iv, BytesView in, std::span<std::uint8_t> out, bool encrypt) {
  const auto* cipher = cbc(key.size());
  if (cipher == nullptr) return fail(Errc::usage, "AES keys have 16, 24 or 32 bytes");
  if (in.size() % kAesBlock != 0 || in.size() > kMaxData)
    return fail(Errc::usage, "not a number of AES blocks");
  if (in.empty()) return ok();
  const CipherCtx context(EVP_CIPHER_CTX_new());
  int size = 0;
  if (!context ||
      EVP_CipherInit_ex2(context.get(), cipher, key.data(), iv.data(), encrypt ? 1 : 0, nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1 ||
      EVP_CipherUpdate(context.get(), out.data(), &size, in.data(), static_cast<int>(in.size())) != 1 ||
      static_cast<std::size_t>(size) != in.size()) {
    return fail(Errc::internal, "OpenSSL does not run AES");
  }
  return ok();
}
}  // namespace

Result<Bytes> aes_cbc_encrypt(BytesView key, const AesBlock& iv, BytesView plain) {
  Bytes out(plain.size());
  CAM_TRY_STATUS(run_cbc(key, iv, plain, out, true));
  return out;
}

Result<Secret> aes_cbc_decrypt(BytesView key, const AesBlock& iv, BytesView cipher) {
  Status status = ok();
  auto out = Secret::make(
      cipher.size(), [&](std::span<std::uint8_t> room) { status = run_cbc(key, iv, cipher, room, false); });
  CAM_TRY_STATUS(status);
  return out;
}

Result<AesBlock> aes_encrypt_block(BytesView key, const AesBlock& block) {
  AesBlock out{};
  CAM_TRY_STATUS(
      run_cbc(key, AesBlock{}, block, out, true));  // one block under a zero vector: the block itself
  return out;
}

Result<AesBlock> aes_cmac(BytesView key, BytesView message) {
  const auto* cipher = cbc(key.size());
  if (cipher == nullptr) return fail(Errc::usage, "AES keys have 16, 24 or 32 bytes");
  const Mac mac(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
  const MacCtx context(mac ? EVP_MAC_CTX_new(mac.get()) : nullptr);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, const_cast<char*>(EVP_CIPHER_get0_name(cipher)),
                                       0),
      OSSL_PARAM_construct_end()};
  AesBlock out{};
  std::size_t size = 0;
  if (!context || EVP_MAC_init(context.get(), key.data(), key.size(), parameters) != 1 ||
      EVP_MAC_update(context.get(), message.data(), message.size()) != 1 ||
      EVP_MAC_final(context.get(), out.data(), &size, out.size()) != 1 || size != out.size()) {
    return fail(Errc::internal, "OpenSSL does not compute a CMAC");
  }
  return out;
}

}  // namespace camvault::crypto_openssl

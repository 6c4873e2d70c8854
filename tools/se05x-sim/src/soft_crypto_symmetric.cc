// Digests, AES, MACs, key derivation, random numbers.
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstdlib>

#include "camvault/crypto_openssl/aes.h"
#include "ossl.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

using namespace ossl;

namespace {
constexpr std::size_t kBlock = 16;
constexpr std::size_t kMaxTag = 16;

tl::unexpected<Error> no() {
  return fail(Errc::invalid, "the key or the data does not fit");
}

const EVP_MD* md(DigestAlg alg) {
  switch (alg) {
    case DigestAlg::sha1:
      return EVP_sha1();
    case DigestAlg::sha224:
      return EVP_sha224();
    case DigestAlg::sha256:
      return EVP_sha256();
    case DigestAlg::sha384:
      return EVP_sha384();
    case DigestAlg::sha512:
      return EVP_sha512();
  }
  return nullptr;
}

const EVP_MD* md(MacAlg alg) {
  switch (alg) {
    case MacAlg::hmac_sha1:
      return EVP_sha1();
    case MacAlg::hmac_sha256:
      return EVP_sha256();
    case MacAlg::hmac_sha384:
      return EVP_sha384();
    case MacAlg::hmac_sha512:
      return EVP_sha512();
    case MacAlg::cmac:
      break;
  }
  return nullptr;
}

const EVP_CIPHER* cipher(CipherMode mode, std::size_t key_size) {
  const bool small = key_size == 16;
  const bool middle = key_size == 24;
  if (!small && !middle && key_size != 32) return nullptr;
  switch (mode) {
    case CipherMode::aes_ecb:
      return small ? EVP_aes_128_ecb() : middle ? EVP_aes_192_ecb() : EVP_aes_256_ecb();
    case CipherMode::aes_cbc:
      return small ? EVP_aes_128_cbc() : middle ? EVP_aes_192_cbc() : EVP_aes_256_cbc();
    case CipherMode::aes_ctr:
      return small ? EVP_aes_128_ctr() : middle ? EVP_aes_192_ctr() : EVP_aes_256_ctr();
    case CipherMode::aes_gcm:
    case CipherMode::aes_gcm_own_iv:
      return small ? EVP_aes_128_gcm() : middle ? EVP_aes_192_gcm() : EVP_aes_256_gcm();
    case CipherMode::aes_ccm:
      break;
  }
  return nullptr;
}

CipherCtx gcm_context(BytesView key, BytesView iv, BytesView additional, bool encrypt) {
  CipherCtx context(EVP_CIPHER_CTX_new());
  int size = 0;
  const auto* gcm = cipher(CipherMode::aes_gcm, key.size());
  if (gcm == nullptr || iv.empty() ||
      EVP_CipherInit_ex2(context.get(), gcm, nullptr, nullptr, encrypt ? 1 : 0, nullptr) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()), nullptr) !=
          1 ||
      EVP_CipherInit_ex2(context.get(), nullptr, key.data(), iv.data(), encrypt ? 1 : 0, nullptr) != 1 ||
      (!additional.empty() && EVP_CipherUpdate(context.get(), nullptr, &size, additional.data(),
                                               static_cast<int>(additional.size())) != 1))
    return nullptr;
  return context;
}
}  // namespace

Bytes random_bytes(std::size_t count) {
  Bytes out(count);
  if (RAND_bytes(out.data(), static_cast<int>(count)) != 1) std::abort();
  return out;
}

std::size_t digest_size(DigestAlg alg) {
  const auto* hash = md(alg);
  return hash == nullptr ? 0 : static_cast<std::size_t>(EVP_MD_get_size(hash));
}

std::optional<DigestAlg> digest_of_ecdsa(std::uint8_t alg) {
  switch (alg) {
    case 0x11:
      return DigestAlg::sha1;
    case 0x25:
      return DigestAlg::sha224;
    case 0x21:
      return DigestAlg::sha256;
    case 0x22:
      return DigestAlg::sha384;
    case 0x26:
      return DigestAlg::sha512;
    default:
      return std::nullopt;
  }
}

Result<Bytes> digest(DigestAlg alg, BytesView message) {
  const auto* hash = md(alg);
  if (hash == nullptr) return no();
  Bytes out(digest_size(alg));
  if (EVP_Digest(message.data(), message.size(), out.data(), nullptr, hash, nullptr) != 1) return no();
  return out;
}

Result<Bytes> aes_crypt(BytesView key, CipherMode mode, BytesView iv, BytesView data, bool encrypt) {
  const auto* how = cipher(mode, key.size());
  if (how == nullptr || mode == CipherMode::aes_gcm || mode == CipherMode::aes_gcm_own_iv) return no();
  // Without a vector the applet takes zeros.
  static constexpr std::uint8_t kZeros[kBlock] = {};
  if (iv.empty() && mode != CipherMode::aes_ecb) iv = kZeros;
  if (iv.size() != (mode == CipherMode::aes_ecb ? 0 : kBlock)) return no();
  if (mode != CipherMode::aes_ctr && data.size() % kBlock != 0) return no();
  const CipherCtx context(EVP_CIPHER_CTX_new());
  Bytes out(data.size());
  int size = 0;
  if (EVP_CipherInit_ex2(context.get(), how, key.data(), iv.empty() ? nullptr : iv.data(), encrypt ? 1 : 0,
                         nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1 ||
      EVP_CipherUpdate(context.get(), out.data(), &size, data.data(), static_cast<int>(data.size())) != 1 ||
      static_cast<std::size_t>(size) != data.size())
    return no();
  return out;
}

Result<Sealed> gcm_encrypt(BytesView key, BytesView iv, BytesView additional, BytesView data,
                           std::size_t tag) {
  if (tag < 4 || tag > kMaxTag) return no();
  const auto context = gcm_context(key, iv, additional, true);
  Sealed out{Bytes(data.size()), Bytes(tag)};
  int size = 0;
  Bytes rest(kBlock);
  if (!context ||
      EVP_CipherUpdate(context.get(), out.data.data(), &size, data.data(), static_cast<int>(data.size())) !=
          1 ||
      EVP_CipherFinal_ex(context.get(), rest.data(), &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag), out.tag.data()) != 1)
    return no();
  return out;
}

Result<std::optional<Bytes>> gcm_decrypt(BytesView key, BytesView iv, BytesView additional, BytesView data,
                                         BytesView tag) {
  if (tag.size() < 4 || tag.size() > kMaxTag) return no();
  const auto context = gcm_context(key, iv, additional, false);
  Bytes out(data.size());
  Bytes given = to_bytes(tag);
  Bytes rest(kBlock);
  int size = 0;
  if (!context ||
      EVP_CipherUpdate(context.get(), out.data(), &size, data.data(), static_cast<int>(data.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(given.size()),
                          given.data()) != 1)
    return no();
  if (EVP_CipherFinal_ex(context.get(), rest.data(), &size) != 1) return std::optional<Bytes>{};
  return std::optional<Bytes>(std::move(out));
}

Result<Bytes> mac(MacAlg alg, BytesView key, BytesView message) {
  if (alg == MacAlg::cmac) {
    CAM_TRY(const auto tag, crypto_openssl::aes_cmac(key, message));
    return Bytes(tag.begin(), tag.end());
  }
  const auto* hash = md(alg);
  if (hash == nullptr) return no();
  Bytes out(static_cast<std::size_t>(EVP_MD_get_size(hash)));
  unsigned size = 0;
  static constexpr std::uint8_t kNothing = 0;  // HMAC() takes no null pointer for an empty key
  if (HMAC(hash, key.empty() ? &kNothing : key.data(), static_cast<int>(key.size()), message.data(),
           message.size(), out.data(), &size) == nullptr)
    return no();
  return out;
}

namespace {
Result<MacAlg> hmac_of(DigestAlg alg) {
  switch (alg) {
    case DigestAlg::sha1:
      return MacAlg::hmac_sha1;
    case DigestAlg::sha256:
      return MacAlg::hmac_sha256;
    case DigestAlg::sha384:
      return MacAlg::hmac_sha384;
    case DigestAlg::sha512:
      return MacAlg::hmac_sha512;
    case DigestAlg::sha224:
      break;
  }
  return no();
}
}  // namespace

Result<Bytes> hkdf_extract(DigestAlg alg, BytesView salt, BytesView key) {
  CAM_TRY(const auto hmac, hmac_of(alg));
  if (salt.empty()) return mac(hmac, Bytes(digest_size(alg)), key);  // RFC 5869, 2.2
  return mac(hmac, salt, key);
}

Result<Bytes> hkdf_expand(DigestAlg alg, BytesView key, BytesView info, std::size_t size) {
  CAM_TRY(const auto hmac, hmac_of(alg));
  if (size == 0 || size > 255 * digest_size(alg)) return no();
  Bytes out;
  Bytes block;
  for (std::uint8_t i = 1; out.size() < size; ++i) {
    append(block, info);
    block.push_back(i);
    CAM_TRY(block, mac(hmac, key, block));
    append(out, block);
  }
  out.resize(size);
  return out;
}

Result<Bytes> pbkdf2(MacAlg alg, BytesView password, BytesView salt, unsigned rounds, std::size_t size) {
  const auto* hash = md(alg);
  Bytes out(size);
  if (hash == nullptr ||
      PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()), static_cast<int>(password.size()),
                        salt.data(), static_cast<int>(salt.size()), static_cast<int>(rounds), hash,
                        static_cast<int>(size), out.data()) != 1)
    return no();
  return out;
}

}  // namespace camvault::se05x_sim

#include "blob.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <tss2/tss2_mu.h>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"

namespace camvault::keystore_tpm2 {

namespace {
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kRoom = 4096;  // every structure here is smaller

template <class T>
Result<Bytes> marshalled(const T& value,
                         TSS2_RC (*marshal)(const T*, std::uint8_t*, std::size_t, std::size_t*)) {
  Bytes out(kRoom);
  std::size_t size = 0;
  if (marshal(&value, out.data(), out.size(), &size) != TSS2_RC_SUCCESS)
    return fail(Errc::invalid, "a structure of the TPM cannot be written");
  out.resize(size);
  return out;
}

// The structure's own size field bounds what the library reads, and what it reads is what it would write: it
// takes algorithms that it knows no parameters of.
template <class T>
Result<T> unmarshalled(ByteReader& in,
                       TSS2_RC (*unmarshal)(const std::uint8_t*, std::size_t, std::size_t*, T*),
                       TSS2_RC (*marshal)(const T*, std::uint8_t*, std::size_t, std::size_t*)) {
  auto whole = in;
  CAM_TRY(const auto size, in.u16());
  CAM_TRY_STATUS(in.skip(size));
  CAM_TRY(const auto bytes, whole.take(2u + size));
  T out{};
  std::size_t used = 0;
  if (unmarshal(bytes.data(), bytes.size(), &used, &out) != TSS2_RC_SUCCESS || used != bytes.size())
    return fail(Errc::invalid, "a structure of the TPM is damaged");
  const auto again = marshalled(out, marshal);
  if (!again || !equal(*again, bytes))
    return fail(Errc::invalid, "a structure of the TPM is not as it is written");
  return out;
}

// Part 1, 16: the hash algorithm's number, then the hash of the public area.
Result<Bytes> name_of(const TPM2B_PUBLIC& public_area) {
  CAM_TRY(const auto area, area_of(public_area));
  CAM_TRY(const auto hash, sha256(area, {}));
  Bytes out = {0x00, 0x0b};  // TPM_ALG_SHA256
  append(out, hash);
  return out;
}

Result<Bytes> aes_cfb(BytesView key, BytesView plain) {
  const Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> ctx(EVP_CIPHER_CTX_new());
  const std::uint8_t iv[16] = {};
  Bytes out(plain.size());
  int n = 0;
  if (ctx == nullptr || EVP_EncryptInit_ex(ctx.get(), EVP_aes_128_cfb128(), nullptr, key.data(), iv) != 1 ||
      EVP_EncryptUpdate(ctx.get(), out.data(), &n, plain.data(), static_cast<int>(plain.size())) != 1) {
    return fail(Errc::internal, "cannot encrypt");
  }
  return out;
}

// TPM2B_DIGEST of the sensitive area and the name, then the sensitive area.
Result<Bytes> with_integrity(const TPM2B_PUBLIC& public_area, const TPMT_SENSITIVE& sensitive) {
  TPM2B_SENSITIVE whole{};
  whole.sensitiveArea = sensitive;
  auto inner = marshalled(whole, Tss2_MU_TPM2B_SENSITIVE_Marshal);
  wipe(&whole, sizeof whole);
  if (!inner) return tl::unexpected(inner.error());
  CAM_TRY(const auto name, name_of(public_area));
  CAM_TRY(const auto integrity, sha256(*inner, name));
  Bytes out;
  out.reserve(2 + integrity.size() + inner->size());  // no second copy left behind by growing
  out.push_back(0);
  out.push_back(static_cast<std::uint8_t>(integrity.size()));
  append(out, integrity);
  append(out, *inner);
  wipe(inner->data(), inner->size());
  return out;
}

Result<Blob> read_parts(BytesView bytes) {
  ByteReader in(bytes);
  CAM_TRY(const auto version, in.u8());
  if (version != kVersion) return fail(Errc::invalid, "a handle of another version");
  CAM_TRY(const auto size, in.u8());
  CAM_TRY(const auto authorisation, in.take(size));
  Blob blob;
  CAM_TRY(blob.public_area,
          unmarshalled<TPM2B_PUBLIC>(in, Tss2_MU_TPM2B_PUBLIC_Unmarshal, Tss2_MU_TPM2B_PUBLIC_Marshal));
  CAM_TRY(blob.private_area,
          unmarshalled<TPM2B_PRIVATE>(in, Tss2_MU_TPM2B_PRIVATE_Unmarshal, Tss2_MU_TPM2B_PRIVATE_Marshal));
  CAM_TRY_STATUS(in.finish());
  blob.authorisation = Secret(authorisation);
  return blob;
}
}  // namespace

Result<Bytes> area_of(const TPM2B_PUBLIC& public_area) {
  return marshalled(public_area.publicArea, Tss2_MU_TPMT_PUBLIC_Marshal);
}

Status random_bytes(std::span<std::uint8_t> out) {
  if (RAND_priv_bytes(out.data(), static_cast<int>(out.size())) != 1)
    return fail(Errc::internal, "there are no random numbers");
  return ok();
}

Result<Bytes> sha256(BytesView a, BytesView b) {
  Bytes out(32);
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> ctx(EVP_MD_CTX_new());
  if (ctx == nullptr || EVP_DigestInit_ex(ctx.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(ctx.get(), a.data(), a.size()) != 1 ||
      EVP_DigestUpdate(ctx.get(), b.data(), b.size()) != 1 ||
      EVP_DigestFinal_ex(ctx.get(), out.data(), nullptr) != 1) {
    return fail(Errc::internal, "cannot hash");
  }
  return out;
}

Result<Secret> write_blob(const Blob& blob) {
  CAM_TRY(const auto public_area, marshalled(blob.public_area, Tss2_MU_TPM2B_PUBLIC_Marshal));
  CAM_TRY(const auto private_area, marshalled(blob.private_area, Tss2_MU_TPM2B_PRIVATE_Marshal));
  const auto size = 2 + blob.authorisation.size() + public_area.size() + private_area.size();
  return Secret::make(size, [&](std::span<std::uint8_t> out) {
    auto* at = out.data();
    *at++ = kVersion;
    *at++ = static_cast<std::uint8_t>(blob.authorisation.size());
    blob.authorisation.reveal([&](BytesView bytes) { at = std::copy(bytes.begin(), bytes.end(), at); });
    at = std::copy(public_area.begin(), public_area.end(), at);
    std::copy(private_area.begin(), private_area.end(), at);
  });
}

Result<Blob> read_blob(BytesView bytes) {
  auto blob = read_parts(bytes);
  if (!blob) return fail(Errc::invalid, blob.error().what);
  return blob;
}

Result<Wrapped> wrap_for_import(const TPM2B_PUBLIC& public_area, const TPMT_SENSITIVE& sensitive) {
  CAM_TRY(auto plain, with_integrity(public_area, sensitive));
  Bytes key(16);
  CAM_TRY_STATUS(random_bytes(key));
  const auto encrypted = aes_cfb(key, plain);
  wipe(plain.data(), plain.size());
  if (!encrypted) return tl::unexpected(encrypted.error());
  Wrapped out;
  CAM_TRY(out.encryption_key, to_tpm2b<TPM2B_DATA>(key));
  CAM_TRY(out.duplicate, to_tpm2b<TPM2B_PRIVATE>(*encrypted));
  wipe(key.data(), key.size());
  return out;
}

}  // namespace camvault::keystore_tpm2

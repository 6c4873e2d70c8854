#include "camvault/crypto_openssl/tpm_credential.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "camvault/base/byte_writer.h"
#include "camvault/crypto/key_encoding.h"
#include "ossl.h"

namespace camvault::crypto_openssl {

namespace {
constexpr std::size_t kSeed = 32;  // as long as SHA-256
constexpr std::size_t kAesKey = 16;
constexpr std::size_t kCoordinate = 32;
constexpr std::size_t kMaxName = 66;
constexpr std::size_t kMaxValue = 32;
using CipherCtx = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

tl::unexpected<Error> failed(const char* what) {
  clear_errors();
  return fail(Errc::internal, what);
}

Result<Bytes> hmac(BytesView key, BytesView message) {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), out.data(),
           &size) == nullptr)
    return failed("no HMAC");
  out.resize(size);
  return out;
}

// Part 1, 11.4.10.2: SP 800-108 in counter mode; one block is enough for what is needed here.
Result<Bytes> kdfa(BytesView key, std::string_view label, BytesView context, std::size_t size) {
  ByteWriter in;
  in.u32(1);
  in.raw(as_bytes(label));
  in.u8(0);
  in.raw(context);
  in.u32(static_cast<std::uint32_t>(size * 8));
  CAM_TRY(auto block, hmac(key, in.view()));
  block.resize(size);
  return block;
}

// Part 1, 11.4.10.3.
Result<Bytes> kdfe(BytesView z, std::string_view label, BytesView party_u, BytesView party_v) {
  ByteWriter in;
  in.u32(1);
  in.raw(z);
  in.raw(as_bytes(label));
  in.u8(0);
  in.raw(party_u);
  in.raw(party_v);
  Bytes out(kSeed);
  unsigned size = 0;
  if (EVP_Digest(in.view().data(), in.view().size(), out.data(), &size, EVP_sha256(), nullptr) != 1)
    return failed("no SHA-256");
  return out;
}

Result<Bytes> aes_cfb(BytesView key, BytesView plain) {
  const std::uint8_t iv[16] = {};
  const CipherCtx ctx(EVP_CIPHER_CTX_new());
  Bytes out(plain.size());
  int n = 0;
  if (!ctx || EVP_EncryptInit_ex(ctx.get(), EVP_aes_128_cfb128(), nullptr, key.data(), iv) != 1 ||
      EVP_EncryptUpdate(ctx.get(), out.data(), &n, plain.data(), static_cast<int>(plain.size())) != 1)
    return failed("cannot encrypt");
  return out;
}

Bytes with_size(BytesView bytes) {
  ByteWriter out;
  out.u16(static_cast<std::uint16_t>(bytes.size()));
  out.raw(bytes);
  return out.take();
}

struct Seed {
  Bytes value;
  Bytes encrypted;  // to the EK
};

Result<Seed> seed_for_rsa(EVP_PKEY* ek) {
  // Part 1, B.10.4: OAEP whose label is the text and the zero byte at its end.
  constexpr char kLabel[] = "IDENTITY";
  Seed out;
  out.value.resize(kSeed);
  if (RAND_priv_bytes(out.value.data(), kSeed) != 1) return failed("no random numbers");
  auto* label = static_cast<char*>(OPENSSL_memdup(kLabel, sizeof kLabel));
  const EvpKeyCtx ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, ek, nullptr));
  std::size_t size = 0;
  const bool ready = ctx && label != nullptr && EVP_PKEY_encrypt_init(ctx.get()) == 1 &&
                     EVP_PKEY_CTX_set_rsa_padding(ctx.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
                     EVP_PKEY_CTX_set_rsa_oaep_md(ctx.get(), EVP_sha256()) == 1 &&
                     EVP_PKEY_CTX_set_rsa_mgf1_md(ctx.get(), EVP_sha256()) == 1;
  if (!ready || EVP_PKEY_CTX_set0_rsa_oaep_label(ctx.get(), label, sizeof kLabel) != 1) {
    OPENSSL_free(label);
    return failed("cannot encrypt to the endorsement key");
  }
  if (EVP_PKEY_encrypt(ctx.get(), nullptr, &size, out.value.data(), kSeed) != 1)
    return failed("cannot encrypt to the endorsement key");
  out.encrypted.resize(size);
  if (EVP_PKEY_encrypt(ctx.get(), out.encrypted.data(), &size, out.value.data(), kSeed) != 1)
    return failed("cannot encrypt to the endorsement key");
  return out;
}

// Part 1, C.6.4: a key pair of this moment, and what the two agree on.
Result<Seed> seed_for_ec(EVP_PKEY* ek, BytesView ek_spki) {
  CAM_TRY(const auto ek_point, crypto::point_of_spki(crypto::KeyAlg::ec_p256, ek_spki));
  const EvpKey once(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "prime256v1"));
  if (!once) return failed("cannot make a key");
  const auto spki = der_of(once.get(), i2d_PUBKEY);
  CAM_TRY(const auto point, crypto::point_of_spki(crypto::KeyAlg::ec_p256, spki));
  const EvpKeyCtx ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, once.get(), nullptr));
  Bytes z(kCoordinate);
  std::size_t size = z.size();
  if (!ctx || EVP_PKEY_derive_init(ctx.get()) != 1 || EVP_PKEY_derive_set_peer_ex(ctx.get(), ek, 1) != 1 ||
      EVP_PKEY_derive(ctx.get(), z.data(), &size) != 1 || size != z.size())
    return failed("the endorsement key does not agree");
  const auto x = BytesView(point).subspan(1, kCoordinate);
  Seed out;
  CAM_TRY(out.value, kdfe(z, "IDENTITY", x, BytesView(ek_point).subspan(1, kCoordinate)));
  wipe(z.data(), z.size());
  out.encrypted = with_size(x);
  append(out.encrypted, with_size(BytesView(point).last(kCoordinate)));
  return out;
}

Result<Seed> seed_for(BytesView ek_spki) {
  const auto* at = ek_spki.data();
  const EvpKey ek(d2i_PUBKEY(nullptr, &at, static_cast<long>(ek_spki.size())));
  if (!ek || at != ek_spki.data() + ek_spki.size()) {
    clear_errors();
    return fail(Errc::malformed, "the endorsement key cannot be read");
  }
  if (EVP_PKEY_is_a(ek.get(), "RSA") == 1 && EVP_PKEY_get_bits(ek.get()) == 2048)
    return seed_for_rsa(ek.get());
  if (EVP_PKEY_is_a(ek.get(), "EC") == 1 && EVP_PKEY_get_bits(ek.get()) == 256)
    return seed_for_ec(ek.get(), ek_spki);
  return fail(Errc::unsupported, "an endorsement key that is neither RSA-2048 nor P-256");
}
}  // namespace

Result<TpmCredential> make_tpm_credential(BytesView ek_spki, BytesView name, const Secret& value) {
  if (name.empty() || name.size() > kMaxName || value.empty() || value.size() > kMaxValue)
    return fail(Errc::usage, "a name or value of another size");
  CAM_TRY(auto seed, seed_for(ek_spki));
  CAM_TRY(auto encryption_key, kdfa(seed.value, "STORAGE", name, kAesKey));
  CAM_TRY(auto integrity_key, kdfa(seed.value, "INTEGRITY", {}, kSeed));
  wipe(seed.value.data(), seed.value.size());
  CAM_TRY(const auto encrypted,
          value.reveal([&](BytesView bytes) { return aes_cfb(encryption_key, with_size(bytes)); }));
  Bytes covered = encrypted;
  append(covered, name);
  CAM_TRY(const auto integrity, hmac(integrity_key, covered));
  wipe(encryption_key.data(), encryption_key.size());
  wipe(integrity_key.data(), integrity_key.size());
  TpmCredential out;
  out.blob = with_size(integrity);
  append(out.blob, encrypted);
  out.secret = std::move(seed.encrypted);
  return out;
}

}  // namespace camvault::crypto_openssl

#include "session.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <tss2/tss2_mu.h>

#include "blob.h"
#include "camvault/base/byte_writer.h"
#include "camvault/base/owned.h"

namespace camvault::keystore_tpm2 {

namespace {
constexpr std::size_t kHash = 32;        // SHA-256
constexpr std::size_t kCoordinate = 32;  // P-256
constexpr std::size_t kAesKey = 16;
constexpr std::size_t kAesBlock = 16;
constexpr int kTries = 8;

using Pkey = Owned<EVP_PKEY, EVP_PKEY_free>;
using PkeyCtx = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

tl::unexpected<Error> no_crypto() {
  return fail(Errc::internal, "the TPM's session cannot be computed");
}

Result<std::array<std::uint8_t, kHash>> hmac_sha256(const Secret& key, BytesView message) {
  std::array<std::uint8_t, kHash> out{};
  const auto* made = key.reveal([&](BytesView k) {
    static constexpr std::uint8_t kNothing = 0;
    return HMAC(EVP_sha256(), k.empty() ? &kNothing : k.data(), static_cast<int>(k.size()), message.data(),
                message.size(), out.data(), nullptr);
  });
  if (made == nullptr) return no_crypto();
  return out;
}

// Part 1, 11.4.10.2, for at most one hash of output.
Result<Secret> kdf_a(const Secret& key, std::string_view label, BytesView u, BytesView v, std::size_t size) {
  ByteWriter input;
  input.u32(1);
  input.raw(as_bytes(label));
  input.u8(0);
  input.raw(u);
  input.raw(v);
  input.u32(static_cast<std::uint32_t>(size * 8));
  CAM_TRY(auto out, hmac_sha256(key, input.view()));
  Secret derived(BytesView(out).first(size));
  wipe(out.data(), out.size());
  return derived;
}

// Part 1, 11.4.10.3.
constexpr std::uint8_t kFirst[] = {0, 0, 0, 1};
Result<Secret> kdf_e(const Secret& z, std::string_view label, BytesView u, BytesView v) {
  auto input =
      Secret::make(4 + z.size() + label.size() + 1 + u.size() + v.size(), [&](std::span<std::uint8_t> out) {
        auto* at = out.data();
        at = std::copy(std::begin(kFirst), std::end(kFirst), at);
        z.reveal([&](BytesView bytes) { at = std::copy(bytes.begin(), bytes.end(), at); });
        at = std::copy(label.begin(), label.end(), at);
        *at++ = 0;
        at = std::copy(u.begin(), u.end(), at);
        std::copy(v.begin(), v.end(), at);
      });
  CAM_TRY(auto hash, input.reveal([](BytesView bytes) { return sha256(bytes, {}); }));
  return Secret::absorb(std::move(hash));
}

Secret joined(const Secret& a, const Secret& b) {
  return Secret::make(a.size() + b.size(), [&](std::span<std::uint8_t> out) {
    auto* at = out.data();
    for (const auto* part : {&a, &b})
      part->reveal([&](BytesView bytes) { at = std::copy(bytes.begin(), bytes.end(), at); });
  });
}

// The TPM keeps a value without the zeros at its end before it computes with it (part 1, 19.6.4.3).
Secret as_the_tpm_keeps_it(const Secret& authorisation) {
  return authorisation.reveal([](BytesView bytes) {
    while (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
    return Secret(bytes);
  });
}

std::array<std::uint8_t, 1 + 2 * kCoordinate> point_of(BytesView x, BytesView y) {
  std::array<std::uint8_t, 1 + 2 * kCoordinate> out{4};
  std::copy(x.begin(), x.end(), out.begin() + 1 + static_cast<std::ptrdiff_t>(kCoordinate - x.size()));
  std::copy(y.begin(), y.end(), out.end() - static_cast<std::ptrdiff_t>(y.size()));
  return out;
}

Result<Pkey> peer_of(BytesView point) {
  char curve[] = "prime256v1";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<std::uint8_t*>(point.data()),
                                        point.size()),
      OSSL_PARAM_construct_end()};
  const PkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* out = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &out, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(parameters)) != 1)
    return fail(Errc::malformed, "the TPM's storage key is on no curve");
  return Pkey(out);
}

// Part 1, C.6.1: a secret that only the TPM can compute from the point that goes with it.
struct Salt {
  Secret value;
  TPM2B_ENCRYPTED_SECRET sent{};
};
Result<Salt> make_salt(const TPM2B_ECC_PARAMETER& x, const TPM2B_ECC_PARAMETER& y) {
  if (view_of(x).size() > kCoordinate || view_of(y).size() > kCoordinate)
    return fail(Errc::malformed, "the TPM's storage key has another size");
  const auto point = point_of(view_of(x), view_of(y));
  CAM_TRY(const auto peer, peer_of(point));
  const Pkey own(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "prime256v1"));
  std::array<std::uint8_t, 1 + 2 * kCoordinate> own_point{};
  std::size_t size = 0;
  if (own == nullptr ||
      EVP_PKEY_get_octet_string_param(own.get(), OSSL_PKEY_PARAM_PUB_KEY, own_point.data(), own_point.size(),
                                      &size) != 1 ||
      size != own_point.size())
    return no_crypto();
  const PkeyCtx agreement(EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr));
  bool good = false;
  const auto z = Secret::make(kCoordinate, [&](std::span<std::uint8_t> out) {
    std::size_t count = out.size();
    good = agreement != nullptr && EVP_PKEY_derive_init(agreement.get()) == 1 &&
           EVP_PKEY_derive_set_peer(agreement.get(), peer.get()) == 1 &&
           EVP_PKEY_derive(agreement.get(), out.data(), &count) == 1 && count == out.size();
  });
  if (!good) return no_crypto();
  const BytesView own_x = BytesView(own_point).subspan(1, kCoordinate);
  const BytesView own_y = BytesView(own_point).subspan(1 + kCoordinate);
  Salt salt;
  CAM_TRY(salt.value, kdf_e(z, "SECRET", own_x, BytesView(point).subspan(1, kCoordinate)));
  TPMS_ECC_POINT sent{};
  CAM_TRY(sent.x, to_tpm2b<TPM2B_ECC_PARAMETER>(own_x));
  CAM_TRY(sent.y, to_tpm2b<TPM2B_ECC_PARAMETER>(own_y));
  std::size_t offset = 0;
  CAM_TRY_STATUS(check(
      "marshal", Tss2_MU_TPMS_ECC_POINT_Marshal(&sent, salt.sent.secret, sizeof salt.sent.secret, &offset)));
  salt.sent.size = static_cast<UINT16>(offset);
  return salt;
}

bool asks_for_patience(TSS2_RC rc) {
  return rc == TPM2_RC_RETRY || rc == TPM2_RC_YIELDED || rc == TPM2_RC_TESTING;
}
}  // namespace

Result<KeySession> KeySession::start(TSS2_SYS_CONTEXT* system, TPM2_HANDLE primary,
                                     const TPM2B_ECC_PARAMETER& x, const TPM2B_ECC_PARAMETER& y, Entity bind,
                                     const Secret& authorisation) {
  CAM_TRY(const auto salt, make_salt(x, y));
  KeySession out;
  CAM_TRY_STATUS(random_bytes(out.own_));
  CAM_TRY(const auto nonce, to_tpm2b<TPM2B_NONCE>(out.own_));
  const TPMT_SYM_DEF symmetric{
      .algorithm = TPM2_ALG_AES, .keyBits = {.aes = 128}, .mode = {.aes = TPM2_ALG_CFB}};
  TPMI_SH_AUTH_SESSION handle = 0;
  CAM_TRY_STATUS(
      check("TPM2_StartAuthSession",
            Tss2_Sys_StartAuthSession(system, primary, bind.handle, nullptr, &nonce, &salt.sent, TPM2_SE_HMAC,
                                      &symmetric, TPM2_ALG_SHA256, &handle, &out.tpm_, nullptr)));
  out.handle_ = handle;
  out.bound_to_ = std::move(bind);
  const auto value = as_the_tpm_keeps_it(authorisation);
  CAM_TRY(out.key_, kdf_a(joined(value, salt.value), "ATH", view_of(out.tpm_), out.own_, kHash));
  out.parameter_key_ = joined(out.key_, value);
  return out;
}

// Part 1, 21.3: AES-CFB under a key of this one parameter.
Result<Bytes> KeySession::with_parameter_key(BytesView newer, BytesView older, BytesView in,
                                             bool encrypt) const {
  CAM_TRY(const auto derived, kdf_a(parameter_key_, "CFB", newer, older, kAesKey + kAesBlock));
  Bytes out(in.size());
  const Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> context(EVP_CIPHER_CTX_new());
  const bool good = derived.reveal([&](BytesView bytes) {
    int done = 0;
    return context != nullptr &&
           EVP_CipherInit_ex(context.get(), EVP_aes_128_cfb128(), nullptr, bytes.data(),
                             bytes.data() + kAesKey, encrypt ? 1 : 0) == 1 &&
           EVP_CipherUpdate(context.get(), out.data(), &done, in.data(), static_cast<int>(in.size())) == 1;
  });
  if (!good) return no_crypto();
  return out;
}

Status KeySession::encrypt_parameter(TSS2_SYS_CONTEXT* system) const {
  std::size_t size = 0;
  const std::uint8_t* at = nullptr;
  CAM_TRY_STATUS(check("parameter", Tss2_Sys_GetDecryptParam(system, &size, &at)));
  if (size == 0) return ok();
  CAM_TRY(const auto out, with_parameter_key(own_, view_of(tpm_), BytesView(at, size), true));
  return check("parameter", Tss2_Sys_SetDecryptParam(system, out.size(), out.data()));
}

Status KeySession::decrypt_answer(TSS2_SYS_CONTEXT* system) const {
  std::size_t size = 0;
  const std::uint8_t* at = nullptr;
  CAM_TRY_STATUS(check("parameter", Tss2_Sys_GetEncryptParam(system, &size, &at)));
  CAM_TRY(auto out, with_parameter_key(view_of(tpm_), own_, BytesView(at, size), false));
  auto set = check("parameter", Tss2_Sys_SetEncryptParam(system, out.size(), out.data()));
  wipe(out.data(), out.size());
  return set;
}

// Part 1, 16.7 and 19.6.5. The session is bound to the only entity that is authorised: its value is no part
// of the key.
Result<KeySession::Mac> KeySession::command_mac(TSS2_SYS_CONTEXT* system, const Protection& how,
                                                TPMA_SESSION attributes) const {
  std::size_t size = 0;
  const std::uint8_t* at = nullptr;
  CAM_TRY_STATUS(check("parameters", Tss2_Sys_GetCpBuffer(system, &size, &at)));
  ByteWriter head;
  head.u32(how.code);
  if (how.authorises) head.raw(bound_to_.name);
  CAM_TRY(const auto hash, sha256(head.view(), BytesView(at, size)));
  ByteWriter input;
  input.raw(hash);
  input.raw(own_);
  input.raw(view_of(tpm_));
  input.u8(attributes);
  return hmac_sha256(key_, input.view());
}

Result<KeySession::Mac> KeySession::answer_mac(TSS2_SYS_CONTEXT* system, TPM2_CC code,
                                               TPMA_SESSION attributes) const {
  std::size_t size = 0;
  const std::uint8_t* at = nullptr;
  CAM_TRY_STATUS(check("parameters", Tss2_Sys_GetRpBuffer(system, &size, &at)));
  ByteWriter head;
  head.u32(TPM2_RC_SUCCESS);
  head.u32(code);
  CAM_TRY(const auto hash, sha256(head.view(), BytesView(at, size)));
  ByteWriter input;
  input.raw(hash);
  input.raw(view_of(tpm_));
  input.raw(own_);
  input.u8(attributes);
  return hmac_sha256(key_, input.view());
}

TSS2_RC KeySession::run(TSS2_SYS_CONTEXT* system, const Protection& how) {
  const auto attributes = static_cast<TPMA_SESSION>(TPMA_SESSION_CONTINUESESSION |
                                                    (how.hides_command ? TPMA_SESSION_DECRYPT : 0) |
                                                    (how.hides_answer ? TPMA_SESSION_ENCRYPT : 0));
  if (!random_bytes(own_) || (how.hides_command && !encrypt_parameter(system)))
    return TSS2_ESYS_RC_GENERAL_FAILURE;
  const auto mac = command_mac(system, how, attributes);
  const auto nonce = to_tpm2b<TPM2B_NONCE>(own_);
  const auto proof = mac ? to_tpm2b<TPM2B_AUTH>(*mac) : Result<TPM2B_AUTH>(no_crypto());
  if (!nonce || !proof) return TSS2_ESYS_RC_GENERAL_FAILURE;
  TSS2L_SYS_AUTH_COMMAND sent{};
  sent.count = 1;
  sent.auths[0] = {
      .sessionHandle = handle_, .nonce = *nonce, .sessionAttributes = attributes, .hmac = *proof};
  if (const auto rc = Tss2_Sys_SetCmdAuths(system, &sent); rc != TSS2_RC_SUCCESS) return rc;
  auto rc = Tss2_Sys_Execute(system);
  for (int i = 0; asks_for_patience(rc) && i < kTries; ++i) rc = Tss2_Sys_Execute(system);
  if (rc != TSS2_RC_SUCCESS) return rc;
  TSS2L_SYS_AUTH_RESPONSE got{};
  if (const auto parsed = Tss2_Sys_GetRspAuths(system, &got); parsed != TSS2_RC_SUCCESS) return parsed;
  if (got.count != 1) return kForged;
  tpm_ = got.auths[0].nonce;
  const auto expected = answer_mac(system, how.code, got.auths[0].sessionAttributes);
  if (!expected || !equal_constant_time(*expected, view_of(got.auths[0].hmac))) return kForged;
  if (how.hides_answer && !decrypt_answer(system)) return kForged;
  return TSS2_RC_SUCCESS;
}

}  // namespace camvault::keystore_tpm2

#include "tpm2_key.h"

#include "camvault/crypto_openssl/engine.h"
#include "camvault/keystore_engine/module_values.h"
#include "templates.h"

namespace camvault::keystore_tpm2 {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::KeyType;
using Repeat = Worker::Repeat;

namespace {
constexpr std::size_t kMaxBuffer = 1024;  // TPM2_MAX_DIGEST_BUFFER: what one command hashes
constexpr std::size_t kMacSize = 32;

Result<TPMT_SIG_SCHEME> scheme_of(KeyType type, SignatureScheme scheme, HashAlg hash) {
  const auto alg = keystore::key_alg_of(type);
  TPMT_SIG_SCHEME out{};
  if (scheme == SignatureScheme::ecdsa && alg && crypto::is_ecdsa(*alg)) {
    out.scheme = TPM2_ALG_ECDSA;
    out.details.ecdsa.hashAlg = hash_of(hash);
  } else if (scheme == SignatureScheme::rsa_pss && alg && crypto::is_rsa(*alg)) {
    out.scheme = TPM2_ALG_RSAPSS;
    out.details.rsapss.hashAlg = hash_of(hash);
  } else if (scheme == SignatureScheme::rsa_pkcs1v15 && alg && crypto::is_rsa(*alg)) {
    out.scheme = TPM2_ALG_RSASSA;
    out.details.rsassa.hashAlg = hash_of(hash);
  } else {
    return fail(Errc::unsupported, "the key does not have that scheme");
  }
  return out;
}

Result<Bytes> short_mac(Tpm& tpm, KeySession& key, BytesView message) {
  auto* const system = tpm.system();
  CAM_TRY(const auto input, to_tpm2b<TPM2B_MAX_BUFFER>(message));
  CAM_TRY_STATUS(
      tpm.run("TPM2_HMAC", Tss2_Sys_HMAC_Prepare(system, key.bound_to().handle, &input, TPM2_ALG_SHA256)));
  CAM_TRY_STATUS(tpm.run("TPM2_HMAC", key.run(system, {.code = TPM2_CC_HMAC})));
  TPM2B_DIGEST tag{};
  CAM_TRY_STATUS(tpm.run("TPM2_HMAC", Tss2_Sys_HMAC_Complete(system, &tag)));
  return to_bytes(view_of(tag));
}

// The sequence's last command ends it, or an error does.
Result<Bytes> finish_mac(Tpm& tpm, TPM2_HANDLE sequence, BytesView message) {
  TSS2L_SYS_AUTH_COMMAND no_password{};
  no_password.count = 1;
  no_password.auths[0].sessionHandle = TPM2_RS_PW;
  for (; message.size() > kMaxBuffer; message = message.subspan(kMaxBuffer)) {
    CAM_TRY(const auto part, to_tpm2b<TPM2B_MAX_BUFFER>(message.first(kMaxBuffer)));
    CAM_TRY_STATUS(tpm.run("TPM2_SequenceUpdate",
                           Tss2_Sys_SequenceUpdate(tpm.system(), sequence, &no_password, &part, nullptr)));
  }
  CAM_TRY(const auto last, to_tpm2b<TPM2B_MAX_BUFFER>(message));
  TPM2B_DIGEST tag{};
  TPMT_TK_HASHCHECK ticket{};
  CAM_TRY_STATUS(
      tpm.run("TPM2_SequenceComplete", Tss2_Sys_SequenceComplete(tpm.system(), sequence, &no_password, &last,
                                                                 TPM2_RH_NULL, &tag, &ticket, nullptr)));
  return to_bytes(view_of(tag));
}

// A sequence takes the third transient slot, and has no password: it is this connection's and lives for a
// moment.
Result<Bytes> long_mac(Tpm& tpm, KeySession& key, BytesView message) {
  tpm.make_room();  // for the sequence; the key, used last, stays
  auto* const system = tpm.system();
  const TPM2B_AUTH no_password{};
  TPMI_DH_OBJECT sequence = 0;
  CAM_TRY_STATUS(tpm.run("TPM2_HMAC_Start", Tss2_Sys_HMAC_Start_Prepare(system, key.bound_to().handle,
                                                                        &no_password, TPM2_ALG_SHA256)));
  CAM_TRY_STATUS(tpm.run("TPM2_HMAC_Start", key.run(system, {.code = TPM2_CC_HMAC_Start})));
  CAM_TRY_STATUS(tpm.run("TPM2_HMAC_Start", Tss2_Sys_HMAC_Start_Complete(system, &sequence)));
  auto tag = finish_mac(tpm, sequence, message);
  if (!tag && !tpm.is_lost())
    static_cast<void>(tpm.run("TPM2_FlushContext", Tss2_Sys_FlushContext(system, sequence)));
  return tag;
}
}  // namespace

Status Tpm2Key::load() const {
  return worker_->run<void>(Repeat::safe, [&](Tpm& tpm) -> Status {
    CAM_TRY_STATUS(tpm.load(id_, blob_));
    return ok();
  });
}

Result<Bytes> Tpm2Key::sign_digest(SignatureScheme scheme, HashAlg hash, const crypto::Digest& digest) const {
  CAM_TRY(const auto how, scheme_of(type_, scheme, hash));
  CAM_TRY(const auto input, to_tpm2b<TPM2B_DIGEST>(digest.view()));
  // Not made by this TPM: a key without restrictions signs any digest (part 3, 20.2).
  const TPMT_TK_HASHCHECK ticket{.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL, .digest = {}};
  return worker_->run<Bytes>(Repeat::safe, [&](Tpm& tpm) -> Result<Bytes> {
    CAM_TRY(auto* const key, tpm.load(id_, blob_));
    auto* const system = tpm.system();
    CAM_TRY_STATUS(
        tpm.run("TPM2_Sign", Tss2_Sys_Sign_Prepare(system, key->bound_to().handle, &input, &how, &ticket)));
    CAM_TRY_STATUS(tpm.run("TPM2_Sign", key->run(system, {.code = TPM2_CC_Sign})));
    TPMT_SIGNATURE signature{};
    CAM_TRY_STATUS(tpm.run("TPM2_Sign", Tss2_Sys_Sign_Complete(system, &signature)));
    return signature_of(type_, scheme, signature);
  });
}

Result<Bytes> Tpm2Key::sign_message(SignatureScheme scheme, HashAlg hash, BytesView message) const {
  if (!keystore::is_signing(type_)) return fail(Errc::unsupported, "keys of this type sign nothing");
  static const auto hashes = crypto_openssl::make_openssl_engine();
  return sign_digest(scheme, hash, hashes->digest(hash, message));
}

Result<Bytes> Tpm2Key::mac(BytesView message) const {
  if (type_ != KeyType::hmac_sha256) return fail(Errc::unsupported, "keys of this type make no MACs");
  return worker_->run<Bytes>(Repeat::safe, [&](Tpm& tpm) -> Result<Bytes> {
    CAM_TRY(auto* const key, tpm.load(id_, blob_));
    CAM_TRY(auto tag,
            message.size() <= kMaxBuffer ? short_mac(tpm, *key, message) : long_mac(tpm, *key, message));
    if (tag.size() != kMacSize) return fail(Errc::malformed, "the TPM's MAC has another size");
    return tag;
  });
}

Result<Secret> Tpm2Key::agree(BytesView point) const {
  const auto size = keystore_engine::coordinate_size(type_);
  if (!keystore::is_agreement(type_)) return fail(Errc::unsupported, "keys of this type do not agree");
  if (point.size() != 1 + 2 * size) return fail(Errc::invalid, "a point of another curve");
  TPM2B_ECC_POINT peer{};
  CAM_TRY(peer.point.x, to_tpm2b<TPM2B_ECC_PARAMETER>(point.subspan(1, size)));
  CAM_TRY(peer.point.y, to_tpm2b<TPM2B_ECC_PARAMETER>(point.last(size)));
  return worker_->run<Secret>(Repeat::safe, [&](Tpm& tpm) -> Result<Secret> {
    CAM_TRY(auto* const key, tpm.load(id_, blob_));
    auto* const system = tpm.system();
    CAM_TRY_STATUS(
        tpm.run("TPM2_ECDH_ZGen", Tss2_Sys_ECDH_ZGen_Prepare(system, key->bound_to().handle, &peer)));
    // The answer is a secret on the way to us.
    CAM_TRY_STATUS(
        tpm.run("TPM2_ECDH_ZGen", key->run(system, {.code = TPM2_CC_ECDH_ZGen, .hides_answer = true})));
    TPM2B_ECC_POINT shared{};
    CAM_TRY_STATUS(tpm.run("TPM2_ECDH_ZGen", Tss2_Sys_ECDH_ZGen_Complete(system, &shared)));
    const auto x = view_of(shared.point.x);
    if (x.size() > size) return fail(Errc::malformed, "the TPM's point has another size");
    auto out = Secret::make(size, [&](std::span<std::uint8_t> room) {
      std::fill(room.begin(), room.end(), std::uint8_t{0});
      std::copy(x.begin(), x.end(), room.end() - static_cast<std::ptrdiff_t>(x.size()));
    });
    wipe(&shared, sizeof shared);
    return out;
  });
}

}  // namespace camvault::keystore_tpm2

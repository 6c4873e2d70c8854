#include "tpm2_key.h"

#include "camvault/crypto_openssl/engine.h"
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

Result<Bytes> short_mac(Tpm& tpm, const Tpm::Loaded& key, BytesView message) {
  CAM_TRY(const auto input, to_tpm2b<TPM2B_MAX_BUFFER>(message));
  TPM2B_DIGEST* made = nullptr;
  const auto rc = Esys_HMAC(tpm.esys(), key.object, key.session, ESYS_TR_NONE, ESYS_TR_NONE, &input,
                            TPM2_ALG_SHA256, &made);
  const EsysPtr<TPM2B_DIGEST> tag(made);
  CAM_TRY_STATUS(tpm.run("TPM2_HMAC", rc));
  return to_bytes(view_of(*tag));
}

// The sequence's last command ends it, or an error does.
Result<Bytes> finish_mac(Tpm& tpm, ESYS_TR sequence, BytesView message) {
  for (; message.size() > kMaxBuffer; message = message.subspan(kMaxBuffer)) {
    CAM_TRY(const auto part, to_tpm2b<TPM2B_MAX_BUFFER>(message.first(kMaxBuffer)));
    CAM_TRY_STATUS(tpm.run("TPM2_SequenceUpdate", Esys_SequenceUpdate(tpm.esys(), sequence, ESYS_TR_PASSWORD,
                                                                      ESYS_TR_NONE, ESYS_TR_NONE, &part)));
  }
  CAM_TRY(const auto last, to_tpm2b<TPM2B_MAX_BUFFER>(message));
  TPM2B_DIGEST* made = nullptr;
  TPMT_TK_HASHCHECK* validation = nullptr;
  const auto rc = Esys_SequenceComplete(tpm.esys(), sequence, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                        &last, ESYS_TR_RH_NULL, &made, &validation);
  const EsysPtr<TPM2B_DIGEST> tag(made);
  const EsysPtr<TPMT_TK_HASHCHECK> ticket(validation);
  CAM_TRY_STATUS(tpm.run("TPM2_SequenceComplete", rc));
  return to_bytes(view_of(*tag));
}

// A sequence takes the third transient slot, and has no password: it is this connection's and lives for a
// moment.
Result<Bytes> long_mac(Tpm& tpm, const Tpm::Loaded& key, BytesView message) {
  const TPM2B_AUTH no_password{};
  ESYS_TR sequence = ESYS_TR_NONE;
  CAM_TRY_STATUS(
      tpm.run("TPM2_HMAC_Start", Esys_HMAC_Start(tpm.esys(), key.object, key.session, ESYS_TR_NONE,
                                                 ESYS_TR_NONE, &no_password, TPM2_ALG_SHA256, &sequence)));
  auto tag = finish_mac(tpm, sequence, message);
  if (!tag) tpm.flush(sequence);
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
    CAM_TRY(const auto key, tpm.load(id_, blob_));
    TPMT_SIGNATURE* made = nullptr;
    const auto rc = Esys_Sign(tpm.esys(), key.object, key.session, ESYS_TR_NONE, ESYS_TR_NONE, &input, &how,
                              &ticket, &made);
    const EsysPtr<TPMT_SIGNATURE> signature(made);
    CAM_TRY_STATUS(tpm.run("TPM2_Sign", rc));
    return signature_of(type_, scheme, *signature);
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
    CAM_TRY(const auto key, tpm.load(id_, blob_));
    CAM_TRY(auto tag,
            message.size() <= kMaxBuffer ? short_mac(tpm, key, message) : long_mac(tpm, key, message));
    if (tag.size() != kMacSize) return fail(Errc::malformed, "the TPM's MAC has another size");
    return tag;
  });
}

}  // namespace camvault::keystore_tpm2

// The signature on the issue log: a key of its own, whose certificate is the root's, so that whoever has the
// device CA's key cannot write a log that looks right.
#include "factory_state.h"
#include "log_checkpoint.h"

namespace camvault::identity {

using crypto::SigningKey;

Result<crypto::Certificate> Factory::certify_log_signer(SigningKey& root_key, BytesView log_key_spki) {
  auto& s = *state_;
  CAM_TRY_STATUS(check_is_key_of(root_key, s.root, "root CA"));
  std::error_code error;
  if (std::filesystem::exists(s.folder / kLogSignerFile, error))
    return fail(Errc::exists, "the log has its signer: earlier checkpoints are by that one");
  CAM_TRY(const auto* rules, s.rules("issue-log"));
  CAM_TRY(const auto key, s.engine->public_key_from_spki(log_key_spki));
  if (!allows_key(*rules, key->alg())) return fail(Errc::denied, "the log's key is of another kind");
  const auto values = s.values();
  CAM_TRY(const auto name, subject_of(*rules, values));
  CAM_TRY(const auto number, s.new_number());
  CAM_TRY(auto certificate, crypto_openssl::issue_certificate(root_key, s.root, name, log_key_spki,
                                                              profile_of(*rules, values, s.now()), number));
  CAM_TRY_STATUS(s.log.note(
      {{"certificate", {{"number", to_hex(number)}, {"sha256", to_hex(s.hash_of(certificate.der))}}}},
      "log_signer", s.now()));
  CAM_TRY_STATUS(write_file_atomically(s.folder / kLogSignerFile,
                                       as_bytes(crypto_openssl::certificate_pem(certificate))));
  return certificate;
}

Status Factory::use_log_key(SigningKey& key) {
  CAM_TRY(const auto signer, read_certificate(*state_->engine, state_->folder / kLogSignerFile));
  CAM_TRY_STATUS(check_is_key_of(key, signer, "issue log"));
  state_->log_key = &key;
  return ok();
}

Status Factory::checkpoint() {
  auto& s = *state_;
  if (s.log_key == nullptr || s.log.lines_since_checkpoint() == 0) return ok();
  const auto now = s.now();
  const auto text = checkpoint_text(s.log.lines(), s.log.head(), to_iso8601(now));
  const auto digest = s.engine->digest(crypto::HashAlg::sha256, as_bytes(text));
  const auto scheme = crypto::default_scheme(s.log_key->alg());
  CAM_TRY(const auto signature, s.log_key->sign(scheme, crypto::HashAlg::sha256, digest));
  return s.log.note({{"signature", to_hex(signature)}}, "checkpoint", now);
}

}  // namespace camvault::identity

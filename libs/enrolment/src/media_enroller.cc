#include "camvault/enrolment/media_enroller.h"

#include <algorithm>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/enrolment/est.h"
#include "camvault/key_source/media_key.h"

namespace camvault::enrolment {

using key_source::KeyUse;
using key_source::MediaKey;

namespace {
constexpr std::size_t kMaxPem = 256 * 1024;
constexpr std::string_view kFactoryKey = "camera/media-signing";
constexpr std::string_view kFactoryMediaChain = "media-signing-chain.pem";
constexpr std::string_view kCurrentFile = "media-signing-current.pem";
}  // namespace

MediaEnroller::MediaEnroller(const tls::Environment& environment,
                             std::shared_ptr<keystore::Keystore> keystore, EnrolSettings settings)
    : owner_(environment, std::move(keystore), std::move(settings)) {}

std::filesystem::path MediaEnroller::state_file() const {
  return owner_.settings_.folder / kMediaStateFile;
}
std::filesystem::path MediaEnroller::current_file() const {
  return owner_.settings_.folder / kCurrentFile;
}

// Its name is on the disk before the key is, as with the owner's identity.
Status MediaEnroller::ensure_pending_key() {
  CAM_TRY(const auto type, keystore::key_type_from_string(owner_.settings_.key_type));
  if (state_.pending_key.empty()) {
    state_.pending_key = std::string(kFactoryKey) + "-" + std::to_string(++state_.keys_made);
    CAM_TRY_STATUS(write_state(state_file(), state_));
  }
  CAM_TRY(const auto name, keystore::KeyName::parse(state_.pending_key));
  const auto made = owner_.keystore_->generate(
      name, type, keystore::default_policy(type, keystore::Purpose::media_signing));
  if (!made && made.error().code != Errc::exists) return fail_in("key " + state_.pending_key, made.error());
  return ok();
}

Status MediaEnroller::request_new() {
  CAM_TRY_STATUS(ensure_pending_key());
  CAM_TRY(const auto name, keystore::KeyName::parse(state_.pending_key));
  CAM_TRY(const auto key, owner_.keystore_->signing_key({name, keystore::Purpose::media_signing}));
  CAM_TRY(const auto who, owner_.asker());
  const auto& camera = who.credential->leaf();
  CAM_TRY(auto answer, owner_.ask(who, std::string(kMediaLabel), *key, camera.common_name, false));

  const auto& environment = owner_.environment_;
  const auto leaf = answer.certificates.front();
  crypto::PathRequest path;
  path.leaf = &leaf;
  path.intermediates = &answer.certificates;
  path.anchors = &answer.authorities;
  path.at = std::max(std::max(environment.clock->now(), owner_.time_floor()), leaf.not_before);
  path.required_eku = kMediaUsage;
  const auto judged = environment.engine->validate_path(path);
  if (judged.verdict != crypto::PathVerdict::trusted)
    return fail(Errc::invalid, "the server sent a certificate that nobody would take: " + judged.reason);

  // What the video carries: never the root (ONVIF Media Signing 5.7.6).
  std::vector<crypto::Certificate> chain;
  for (const auto& certificate : judged.path) {
    if (chain.empty() || certificate.subject != certificate.issuer) chain.push_back(certificate);
  }
  CAM_TRY_STATUS(KeyUse::prepare(current_file(), state_.pending_key));
  auto next = state_;
  next.server = "https://" + owner_.settings_.server.authority() + owner_.settings_.server.target;
  next.previous = state_.active;
  next.active = KeyedChain{state_.pending_key, crypto_openssl::certificates_pem(chain)};
  next.pending_key.clear();
  next.anchors_pem = crypto_openssl::certificates_pem(answer.authorities);
  CAM_TRY_STATUS(write_state(state_file(), next));
  state_ = std::move(next);
  return tell_signers();
}

// The state counts; this is what signers look at. Done again at each start, for the process that was stopped
// between the two.
Status MediaEnroller::tell_signers() const {
  if (!state_.active) return ok();
  const auto told = key_source::read_media_key(current_file());
  if (told && *told && (*told)->key == state_.active->key) return ok();
  CAM_TRY_STATUS(KeyUse::prepare(current_file(), state_.active->key));
  return key_source::write_media_key(current_file(), MediaKey{state_.active->key, state_.active->chain_pem});
}

Status MediaEnroller::retire_previous(std::string& note) {
  if (!state_.previous) return ok();
  const auto& key = state_.previous->key;
  const auto retired = KeyUse::retire(current_file(), key);
  if (!retired && retired.error().code == Errc::unavailable) {
    note = "the key " + key + " is kept: somebody still signs with it";
    return ok();
  }
  if (!retired) return tl::unexpected(retired.error());
  CAM_TRY(const auto name, keystore::KeyName::parse(key));
  const auto removed = owner_.keystore_->remove(name);
  if (!removed && removed.error().code != Errc::not_found) return fail_in("key " + key, removed.error());
  KeyUse::forget(current_file(), key);
  state_.previous.reset();
  return write_state(state_file(), state_);
}

// Of the key that signs now.
Result<crypto::Certificate> MediaEnroller::current_certificate(const std::string& factory_chain) const {
  CAM_TRY(auto chain, owner_.environment_.engine->certificates_from_pem(
                          state_.active ? state_.active->chain_pem : factory_chain));
  if (chain.empty()) return fail(Errc::malformed, "a media signing key without a certificate");
  return std::move(chain.front());
}

Result<MediaEnrolled> MediaEnroller::enrol(bool force_new) {
  CAM_TRY_STATUS(owner_.load());
  CAM_TRY(state_, read_local_identity(owner_.settings_.folder, kMediaStateFile));
  // Without an identity of the owner's: what this key's own certificate came with is believed.
  if (owner_.state_.anchors_pem.empty()) owner_.state_.anchors_pem = state_.anchors_pem;
  MediaEnrolled out;
  CAM_TRY_STATUS(tell_signers());
  CAM_TRY_STATUS(retire_previous(out.note));
  // A camera may come from a factory that gave it no such certificate.
  const auto pem = read_file(owner_.settings_.folder / kFactoryMediaChain, kMaxPem);
  const auto factory_chain = pem ? std::string(as_text(*pem)) : std::string();
  const auto before = current_certificate(factory_chain);
  const bool wanted = force_new || !before || !state_.pending_key.empty() || owner_.is_due(*before);
  if (wanted && !state_.previous) {
    CAM_TRY_STATUS(request_new());
    out.is_new = true;
    out.note.clear();
    CAM_TRY_STATUS(retire_previous(out.note));
  }
  CAM_TRY(out.certificate, current_certificate(factory_chain));
  out.key = state_.active ? state_.active->key : std::string(kFactoryKey);
  if (state_.previous) out.old_key = state_.previous->key;
  return out;
}

Status forget_media_keys(keystore::Keystore& keystore, const std::filesystem::path& folder) {
  const auto current = folder / kCurrentFile;
  for (const auto& file : {current, folder / kMediaStateFile}) {
    std::error_code error;
    std::filesystem::remove(file, error);
    if (error) return fail(Errc::io, "cannot remove " + file.string() + ": " + error.message());
  }
  CAM_TRY(const auto keys, keystore.list());
  for (const auto& key : keys) {
    if (!key.name.text().starts_with(std::string(kFactoryKey) + "-")) continue;
    const auto removed = keystore.remove(key.name);
    if (!removed && removed.error().code != Errc::not_found) return removed;
    KeyUse::forget(current, key.name.text());
  }
  return ok();
}

}  // namespace camvault::enrolment

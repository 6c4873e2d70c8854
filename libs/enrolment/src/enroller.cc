#include "camvault/enrolment/enroller.h"

#include <algorithm>

#include "camvault/crypto_openssl/issue.h"
#include "camvault/enrolment/device_credential.h"
#include "camvault/enrolment/tls_transport.h"

namespace camvault::enrolment {

namespace {
bool is_self_issued(const crypto::Certificate& certificate) {
  return certificate.subject == certificate.issuer;
}

// The leaf and those above it that the server named, without the root: what TLS shows.
std::vector<crypto::Certificate> chain_to_show(const std::vector<crypto::Certificate>& path) {
  std::vector<crypto::Certificate> out;
  for (const auto& certificate : path) {
    if (out.empty() || !is_self_issued(certificate)) out.push_back(certificate);
  }
  return out;
}
}  // namespace

Enroller::Enroller(const tls::Environment& environment, std::shared_ptr<keystore::Keystore> keystore,
                   EnrolSettings settings)
    : environment_(environment), keystore_(std::move(keystore)), settings_(std::move(settings)) {}

Result<std::shared_ptr<const tls::Credential>> Enroller::credential_of(const std::string& key,
                                                                       const std::string& chain_pem) const {
  return device_credential(*environment_.engine, *keystore_, key, chain_pem);
}

// A camera without a clock: it is not earlier than the youngest of its own certificates.
Timestamp Enroller::time_floor() const {
  auto floor = factory_ != nullptr ? factory_->leaf().not_before : Timestamp{};
  for (const auto* chain : {&state_.active, &state_.previous}) {
    if (!*chain) continue;
    const auto certificates = environment_.engine->certificates_from_pem((*chain)->chain_pem);
    if (certificates && !certificates->empty()) floor = std::max(floor, certificates->front().not_before);
  }
  return floor;
}

Result<tls::Context> Enroller::context_with(std::shared_ptr<const tls::Credential> credential) const {
  tls::Policy policy;
  policy.anchors = settings_.trust;
  policy.crls = settings_.crls;
  policy.not_earlier_than = time_floor();
  if (!state_.anchors_pem.empty()) {
    CAM_TRY(const auto learned, environment_.engine->certificates_from_pem(state_.anchors_pem));
    policy.anchors.insert(policy.anchors.end(), learned.begin(), learned.end());
  }
  if (policy.anchors.empty()) return fail(Errc::usage, "nobody was named who vouches for the server");
  return tls::Context::client(environment_, policy, std::move(credential));
}

// Its name is on the disk before the key is: no key is ever forgotten.
Status Enroller::ensure_pending_key() {
  CAM_TRY(const auto type, keystore::key_type_from_string(settings_.key_type));
  if (state_.pending_key.empty()) {
    state_.pending_key = "camera/ldevid-" + std::to_string(++state_.keys_made);
    CAM_TRY_STATUS(write_local_identity(settings_.folder, state_));
  }
  CAM_TRY(const auto name, keystore::KeyName::parse(state_.pending_key));
  const auto made =
      keystore_->generate(name, type, keystore::default_policy(type, keystore::Purpose::device_identity));
  if (!made && made.error().code != Errc::exists) return fail_in("key " + state_.pending_key, made.error());
  return ok();
}

bool Enroller::is_due(const crypto::Certificate& certificate) const {
  const auto now = std::max(environment_.clock->now(), time_floor());
  const auto lifetime = certificate.not_after - certificate.not_before;
  return now >= certificate.not_after - lifetime / 3;
}

// The identity that is there proves who asks for the next one, unless it has ended.
Result<Enroller::Asker> Enroller::asker() const {
  Asker out{factory_, false};
  if (!state_.active) return out;
  CAM_TRY(const auto active, credential_of(state_.active->key, state_.active->chain_pem));
  out.again = active->leaf().not_after > std::max(environment_.clock->now(), time_floor());
  if (out.again) out.credential = active;
  return out;
}

// What comes back is believed when it is of this key and for this camera; the caller sees where it leads.
Result<Enroller::Answer> Enroller::ask(const Asker& asker, const std::string& label, crypto::SigningKey& key,
                                       const std::string& common_name, bool again) const {
  CAM_TRY(const auto context, context_with(asker.credential));
  TlsTransport transport(context, settings_.server, settings_.timeout, settings_.addresses);
  EstClient client(transport, label);
  Answer out;
  CAM_TRY(out.authorities, client.ca_certificates());
  crypto_openssl::SubjectName subject;
  subject.common_name = common_name;
  subject.device_serial = factory_->leaf().device_serial;
  const auto make = [&](const std::string& challenge) {
    return crypto_openssl::make_certificate_request(key, subject, crypto_openssl::RsaPadding::pkcs1v15,
                                                    challenge);
  };
  CAM_TRY(out.certificates, client.enrol(make, again));
  auto& certificates = out.certificates;
  const auto leaf = std::find_if(certificates.begin(), certificates.end(), [&](const auto& certificate) {
    return certificate.key != nullptr && certificate.key->spki_der() == key.spki_der();
  });
  if (leaf == certificates.end()) return fail(Errc::invalid, "the server sent a certificate for another key");
  if (leaf->device_serial != factory_->leaf().device_serial)
    return fail(Errc::invalid, "the server sent a certificate for another camera");
  std::rotate(certificates.begin(), leaf, leaf + 1);
  return out;
}

Status Enroller::load() {
  CAM_TRY(factory_, factory_credential(*environment_.engine, *keystore_, settings_.folder));
  CAM_TRY(state_, read_local_identity(settings_.folder));
  return ok();
}

Status Enroller::request_new() {
  CAM_TRY_STATUS(ensure_pending_key());
  CAM_TRY(const auto name, keystore::KeyName::parse(state_.pending_key));
  CAM_TRY(const auto key, keystore_->signing_key({name, keystore::Purpose::device_identity}));
  CAM_TRY(const auto who, asker());
  CAM_TRY(auto answer, ask(who, settings_.label, *key, who.credential->leaf().common_name, who.again));
  auto& certificates = answer.certificates;
  const auto& authorities = answer.authorities;

  // It leads to the CA that the server named over the connection that we trust.
  certificates.insert(certificates.end(), authorities.begin(), authorities.end());
  tls::Policy owner;
  owner.anchors = authorities;
  owner.not_earlier_than = std::max(time_floor(), certificates.front().not_before);
  const auto judged =
      tls::judge(*environment_.engine, owner, tls::Role::client, certificates, {}, environment_.clock->now());
  if (!judged.good())
    return fail(Errc::invalid, "the server sent a certificate that nobody would take: " + judged.reason);

  auto next = state_;
  next.server = (settings_.server.tls ? "https://" : "http://") + settings_.server.authority() +
                settings_.server.target;
  next.previous = state_.active;
  next.active = KeyedChain{state_.pending_key, crypto_openssl::certificates_pem(chain_to_show(judged.path))};
  next.pending_key.clear();
  next.anchors_pem = crypto_openssl::certificates_pem(authorities);
  CAM_TRY_STATUS(write_local_identity(settings_.folder, next));
  state_ = std::move(next);
  return ok();
}

// The new identity is shown to the server once. Only then the old key goes; refused, the old one comes back.
Status Enroller::confirm_new(std::string& note) {
  if (!state_.previous) return ok();
  CAM_TRY(const auto credential, credential_of(state_.active->key, state_.active->chain_pem));
  CAM_TRY(const auto context, context_with(credential));
  TlsTransport transport(context, settings_.server, settings_.timeout, settings_.addresses);
  const auto answer = EstClient(transport, settings_.label).ca_certificates();
  if (!answer && answer.error().code == Errc::unavailable) {
    note = "the old key is kept until the new one has worked: " + answer.error().what;
    return ok();
  }
  auto next = state_;
  std::string unwanted = state_.previous->key;
  if (!answer) {
    unwanted = state_.active->key;
    next.active = state_.previous;
    note = "the new identity does not work, the old one is back: " + answer.error().what;
  }
  CAM_TRY(const auto name, keystore::KeyName::parse(unwanted));
  next.previous.reset();
  // The key first: killed between the two, the state still names it, and this is done again.
  if (answer) {
    const auto removed = keystore_->remove(name);
    if (!removed && removed.error().code != Errc::not_found)
      return fail_in("key " + unwanted, removed.error());
  }
  CAM_TRY_STATUS(write_local_identity(settings_.folder, next));
  if (!answer) static_cast<void>(keystore_->remove(name).has_value());
  state_ = std::move(next);
  return ok();
}

Result<Enrolled> Enroller::enrol(bool force_new) {
  CAM_TRY_STATUS(load());
  Enrolled out;
  CAM_TRY_STATUS(confirm_new(out.note));
  bool wanted = force_new || !state_.active || !state_.pending_key.empty();
  if (state_.active) {
    CAM_TRY(const auto chain, environment_.engine->certificates_from_pem(state_.active->chain_pem));
    wanted = wanted || chain.empty() || is_due(chain.front());
  }
  if (wanted && !state_.previous) {
    CAM_TRY_STATUS(request_new());
    out.is_new = true;
    CAM_TRY_STATUS(confirm_new(out.note));
  }
  CAM_TRY(auto chain, environment_.engine->certificates_from_pem(state_.active->chain_pem));
  if (chain.empty()) return fail(Errc::malformed, "an identity without a certificate");
  out.certificate = std::move(chain.front());
  out.identity = state_;
  return out;
}

}  // namespace camvault::enrolment

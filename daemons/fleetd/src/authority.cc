#include "authority.h"

#include <algorithm>

#include "camvault/base/file.h"
#include "camvault/crypto/extensions.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/service/own_ca.h"
#include "camvault/voucher/signed_voucher.h"

namespace camvault::fleetd {

using crypto_openssl::CertificateProfile;
using crypto_openssl::KeyUsage;

namespace {
constexpr std::uint64_t kMaxCertificatesOfDevice =
    8;  // valid at a time: a renewal every two thirds needs two
constexpr const char* kServerAuth = "1.3.6.1.5.5.7.3.1";
constexpr const char* kClientAuth = "1.3.6.1.5.5.7.3.2";

// Whoever looks at common names alone must not take one device for another, whose maker gave it that name: it
// is the serial number, or ends in it (which has no blanks).
std::string common_name_of(const crypto::Certificate& shown) {
  return shown.common_name.ends_with(" " + shown.device_serial) ? shown.common_name : shown.device_serial;
}

bool contains(const std::vector<crypto::Certificate>& list, const crypto::Certificate& one) {
  return std::any_of(list.begin(), list.end(), [&](const auto& c) { return equal(c.der, one.der); });
}
}  // namespace

Result<std::unique_ptr<Authority>> Authority::open(const std::filesystem::path& folder,
                                                   const tls::Environment& environment,
                                                   std::shared_ptr<keystore::Keystore> keystore, Store& store,
                                                   AuthoritySettings settings) {
  CAM_TRY(auto cas, OwnerCas::open(folder, environment, *keystore, settings.organization));
  auto out =
      std::unique_ptr<Authority>(new Authority(environment, store, std::move(settings), std::move(cas)));
  out->folder_ = folder;
  CAM_TRY(out->tls_key_, service::made_key(*keystore, "fleet/tls", keystore::Purpose::tls));
  CAM_TRY_STATUS(out->context());
  return out;
}

Result<std::shared_ptr<const tls::Credential>> Authority::server_credential() {
  // RFC 8995 5.5.4: it is a registrar by its certificate.
  return service::server_credential(
      *environment_.engine, *cas_.present().key, ca(), tls_key_,
      {settings_.organization, "fleetd", settings_.names, {std::string(voucher::kRegistrarUsage)}}, now(),
      cas_.towards_earlier());
}

Result<crypto::RevocationList> Authority::list() {
  const std::lock_guard lock(mutex_);
  CAM_TRY(auto all, lists());
  return std::move(all.front());
}

// Each CA speaks of all numbers: they are random, and no two certificates have the same one.
Result<std::vector<crypto::RevocationList>> Authority::lists() {
  if (!lists_.empty() && lists_.front().next_update &&
      now() + settings_.list_validity / 2 < *lists_.front().next_update)
    return lists_;
  CAM_TRY(const auto rows, store_.revoked());
  crypto_openssl::RevocationContent content;
  for (const auto& row : rows) {
    CAM_TRY(const auto since, from_iso8601(row.revoked));
    content.revoked.push_back({row.number, since, static_cast<crypto_openssl::RevocationReason>(row.reason)});
  }
  CAM_TRY(content.number, store_.next_list_number());
  content.this_update = now() - service::kBackdated;
  content.next_update = now() + settings_.list_validity;
  std::vector<crypto::RevocationList> made;
  std::string pem;
  for (const auto& ca : cas_.all()) {
    CAM_TRY(auto list, crypto_openssl::issue_revocation_list(*ca.key, ca.certificate, content));
    pem += crypto_openssl::revocation_list_pem(list);
    made.push_back(std::move(list));
  }
  CAM_TRY_STATUS(write_file_atomically(folder_ / kListFile, as_bytes(pem)));
  lists_ = made;
  return made;
}

Result<std::shared_ptr<const tls::Context>> Authority::context() {
  const std::lock_guard lock(mutex_);
  return present_context();
}

Result<std::shared_ptr<const tls::Context>> Authority::present_context() {
  if (context_ != nullptr && now() < context_until_) return context_;
  tls::Policy clients;
  clients.anchors = settings_.device_anchors;
  clients.anchors.insert(clients.anchors.end(), settings_.operator_anchors.begin(),
                         settings_.operator_anchors.end());
  for (const auto& ca : cas_.all()) clients.anchors.push_back(ca.certificate);
  clients.crls = settings_.device_lists;
  clients.crls.insert(clients.crls.end(), settings_.operator_lists.begin(), settings_.operator_lists.end());
  CAM_TRY(const auto own, lists());
  clients.crls.insert(clients.crls.end(), own.begin(), own.end());
  CAM_TRY(auto credential, server_credential());
  CAM_TRY(auto made,
          tls::Context::server(environment_, credential, tls::ClientCertificates::optional, clients));
  context_ = std::make_shared<const tls::Context>(std::move(made));
  credential_ = std::move(credential);
  context_until_ =
      now() + std::min<std::chrono::hours>(settings_.list_validity / 2, service::kServerValidity / 2);
  return context_;
}

std::shared_ptr<const tls::Credential> Authority::credential() {
  const std::lock_guard lock(mutex_);
  return credential_;
}

PeerKind Authority::kind_of(const std::vector<crypto::Certificate>& path) const {
  if (path.empty()) return PeerKind::none;
  const auto& anchor = path.back();
  if (cas_.is_one(anchor)) return path.front().device_serial.empty() ? PeerKind::none : PeerKind::member;
  if (contains(settings_.operator_anchors, anchor)) return PeerKind::operator_;
  return contains(settings_.device_anchors, anchor) && !path.front().device_serial.empty() ? PeerKind::device
                                                                                           : PeerKind::none;
}

enrolment::CsrAttributes Authority::csr_attributes() {
  enrolment::CsrAttributes out;
  out.challenge_password = settings_.require_binding;
  return out;
}

Result<std::vector<crypto::Certificate>> Authority::enrol(const crypto_openssl::CertificateRequest& request,
                                                          const enrolment::EstPeer& peer, bool) {
  return decide(request, peer, Use::identity);
}

Result<std::vector<crypto::Certificate>> Authority::enrol_media(
    const crypto_openssl::CertificateRequest& request, const enrolment::EstPeer& peer) {
  return decide(request, peer, Use::media_signing);
}

Result<std::vector<crypto::Certificate>> Authority::decide(const crypto_openssl::CertificateRequest& request,
                                                           const enrolment::EstPeer& peer, Use use) {
  const auto refuse = [&](std::string why) {
    ++refusals_;
    return fail(Errc::denied, std::move(why));
  };
  const auto kind = kind_of(peer.path);
  if (kind != PeerKind::device && kind != PeerKind::member) return refuse("not a device's certificate");
  const auto& shown = peer.path.front();
  const auto& serial = shown.device_serial;
  // RFC 7030 4.2.2: a device asks for itself.
  if (!request.device_serial.empty() && request.device_serial != serial)
    return refuse("a request for another device than the one that asks");
  // Also over a connection that is older than the revocation.
  if (kind == PeerKind::member) {
    CAM_TRY(const auto known, store_.find_number(shown.serial));
    if (!known || !known->revoked.empty())
      return refuse("the certificate shown was revoked, or is not of this CA");
  }
  const auto key_hash = to_hex(environment_.engine->digest(crypto::HashAlg::sha256, request.spki).view());
  CAM_TRY(const auto earlier, store_.find_key(key_hash));
  if (earlier) {
    if (earlier->serial != serial) return refuse("another device has this key");
    if (!earlier->revoked.empty()) return refuse("the certificate of this key was revoked");
    CAM_TRY(const auto allowed, store_.is_allowed(serial));
    if (!allowed) return refuse("the device " + serial + " is not on the list");
    CAM_TRY(const auto der, from_hex(earlier->der));
    CAM_TRY(auto certificate, environment_.engine->certificate_from_der(der));
    if (is_for_media(certificate) != (use == Use::media_signing))
      return refuse("the key has a certificate for another use");
    return std::vector{std::move(certificate)};
  }
  if (use == Use::media_signing && request.key->alg() == crypto::KeyAlg::ed25519)
    return refuse("ONVIF Media Signing has no Ed25519 signatures");
  auto issued = issue(serial, request, common_name_of(shown), key_hash, use);
  if (!issued && issued.error().code == Errc::denied) ++refusals_;
  return issued;
}

CertificateProfile Authority::profile_of(Use use) const {
  CertificateProfile profile;
  profile.not_before = now() - service::kBackdated;
  if (use == Use::identity) {
    profile.extended_key_usages = {kClientAuth, kServerAuth};
    profile.not_after = now() + Ticks(settings_.certificate_validity);
  } else {
    profile.extended_key_usages = {enrolment::kMediaUsage};
    // As the factory's: who takes the supplements out of this camera's video is found out.
    profile.private_extensions.push_back(
        {to_bytes(crypto::kMediaSupplementOidDer), to_bytes(crypto::kMediaSupplementPolicyDer)});
    profile.not_after = now() + Ticks(settings_.media_validity);
  }
  profile.not_after = std::min(profile.not_after, ca().not_after);
  return profile;
}

bool Authority::is_for_media(const crypto::Certificate& certificate) const {
  const std::vector<crypto::Certificate> none;
  std::vector<crypto::Certificate> anchors;
  for (const auto& one : cas_.all()) anchors.push_back(one.certificate);
  crypto::PathRequest path;
  path.leaf = &certificate;
  path.intermediates = &none;
  path.anchors = &anchors;
  path.at = certificate.not_before;
  path.required_eku = enrolment::kMediaUsage;
  return environment_.engine->validate_path(path).verdict == crypto::PathVerdict::trusted;
}

// Signed first, written down, and only then given away. A certificate that was signed and not written down,
// when this process ends between the two, never leaves it.
Result<std::vector<crypto::Certificate>> Authority::issue(const std::string& serial,
                                                          const crypto_openssl::CertificateRequest& request,
                                                          const std::string& common_name,
                                                          const std::string& key_hash, Use use) {
  CAM_TRY(const auto allowed, store_.is_allowed(serial));
  if (!allowed) return fail(Errc::denied, "the device " + serial + " is not on the list");
  CAM_TRY(const auto valid, store_.valid_certificates(serial, now()));
  if (valid >= kMaxCertificatesOfDevice)
    return fail(Errc::denied, "the device " + serial + " has too many certificates");
  const auto profile = profile_of(use);
  crypto_openssl::SubjectName name;
  name.organization = settings_.organization;
  name.common_name = common_name;
  name.device_serial = serial;
  if (use == Use::media_signing) name.organizational_unit = "Media signing";
  CAM_TRY(auto certificate,
          crypto_openssl::issue_certificate(*cas_.present().key, ca(), name, request.spki, profile,
                                            service::new_number(*environment_.engine)));
  CertificateRow row;
  row.number = certificate.serial;
  row.serial = serial;
  row.key_hash = key_hash;
  row.der = to_hex(certificate.der);
  row.issued = to_iso8601(now());
  row.not_after = to_iso8601(certificate.not_after);
  CAM_TRY(const auto kept, store_.add_certificate(row));
  if (kept.serial != serial) return fail(Errc::denied, "another device has this key");
  if (kept.number != row.number) {  // the same request came twice at the same time: one certificate
    CAM_TRY(const auto der, from_hex(kept.der));
    CAM_TRY(certificate, environment_.engine->certificate_from_der(der));
  } else {
    ++enrolments_;
  }
  return std::vector{std::move(certificate)};
}

Result<std::uint64_t> Authority::revoke(const std::string& serial, crypto_openssl::RevocationReason reason) {
  CAM_TRY_STATUS(store_.forbid(serial));
  CAM_TRY(const auto count, store_.revoke(serial, static_cast<int>(reason), now()));
  const std::lock_guard lock(mutex_);
  lists_.clear();
  context_.reset();
  CAM_TRY_STATUS(present_context());
  return count;
}

}  // namespace camvault::fleetd

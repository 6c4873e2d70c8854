#include "camvault/identity/factory.h"

#include <algorithm>

#include "camvault/attestation/check.h"
#include "camvault/crypto_openssl/issue.h"
#include "factory_folder.h"
#include "issue_log.h"
#include "profiles.h"

namespace camvault::identity {

namespace fs = std::filesystem;
using crypto::Certificate;
using crypto::SigningKey;
using crypto_openssl::CertificateRequest;

struct Factory::State {
  fs::path folder;
  UniqueFd lock;
  FactorySettings settings;
  Certificate root;
  Certificate device_ca;
  IssueLog log;
  const Clock* clock;
  const crypto::Engine* engine;
  Bytes open_challenge = {};  // for the next evidence

  Timestamp now() const { return clock->now(); }
  bool is_revoked(const DeviceEntry& entry) const {
    return log.revoked().contains(entry.identity.number) ||
           log.revoked().contains(entry.media_signing.number);
  }
  Result<Bytes> new_number() const;
  Result<Bytes> attester_of(const ProvisionRequest& request, const CertificateRequest& media_request);
  Result<CertificateEntry> check_key(const std::string& serial, const CertificateRequest& request) const;
  Result<Certificate> sign(SigningKey& ca_key, const crypto_openssl::SubjectName& name,
                           const CertificateRequest& request,
                           const crypto_openssl::CertificateProfile& profile, BytesView number) const;
  Result<DeviceCertificates> read_issued(const std::string& serial, const DeviceEntry& entry) const;
  Result<FurtherCertificate> read_further(const std::string& serial, const FurtherEntry& entry) const;
  Status check_may_add(SigningKey& device_ca_key, const std::string& serial) const;
  DeviceCertificates bundle(const std::string& serial, Certificate identity, Certificate media_signing) const;
  Result<crypto::RevocationList> publish(SigningKey& key, const Certificate& issuer, std::string_view file,
                                         std::chrono::days validity,
                                         std::vector<crypto_openssl::RevokedCertificate> revoked);
};

namespace {
constexpr std::chrono::days kListValidity{30};
constexpr std::chrono::days kLongestListValidity{3660};
constexpr std::size_t kMaxIssuedFile = 256 * 1024;

Result<Bytes> random_number(const crypto::Engine& engine) {
  Bytes number(crypto_openssl::kSerialSize);
  engine.random(number);
  number[0] |= 0x40;  // always as long,
  number[0] &= 0x7f;  // and 16 bytes in DER too; 126 random bits are left
  return number;
}

std::string key_hash(const crypto::Engine& engine, BytesView spki) {
  return to_hex(engine.digest(crypto::HashAlg::sha256, spki).view());
}

Result<CertificateRequest> read_request(BytesView der, std::string_view which, const std::string& serial) {
  auto request = crypto_openssl::read_certificate_request(der);
  if (!request) return fail_in(which, std::move(request).error());
  if (request->device_serial != serial) {
    return fail(Errc::invalid, std::string(which) + ": the request is for another serial number");
  }
  return request;
}

Status check_is_key_of(const SigningKey& key, const Certificate& certificate, std::string_view what) {
  if (key.spki_der() == certificate.key->spki_der()) return ok();
  return fail(Errc::usage, "the key given is not that of the " + std::string(what));
}

crypto_openssl::RevokedCertificate to_list_entry(const RevokedEntry& entry) {
  return {entry.number, entry.since, static_cast<crypto_openssl::RevocationReason>(entry.reason)};
}

int reason_number(RevocationCause cause) {
  switch (cause) {
    case RevocationCause::key_compromise:
      return kReasonKeyCompromise;
    case RevocationCause::superseded:
      return 4;
    case RevocationCause::cessation_of_operation:
      return 5;
  }
  return 0;
}
}  // namespace

Factory::Factory(std::unique_ptr<State> state) : state_(std::move(state)) {}
Factory::~Factory() = default;
Factory::Factory(Factory&&) noexcept = default;
Factory& Factory::operator=(Factory&&) noexcept = default;

Result<Factory> Factory::init(const fs::path& folder, const FactorySettings& settings, SigningKey& root_key,
                              SigningKey& device_ca_key, const Clock& clock, const crypto::Engine& engine) {
  CAM_TRY_STATUS(check_settings(settings));
  if (!is_allowed_key(root_key.alg()) || !is_allowed_key(device_ca_key.alg())) {
    return fail(Errc::unsupported, "CA keys are ECDSA or RSA keys");
  }
  if (root_key.spki_der() == device_ca_key.spki_der())
    return fail(Errc::usage, "root and device CA need different keys");
  std::error_code error;
  fs::create_directories(folder / kIssuedFolder, error);
  if (error) return fail(Errc::io, "cannot create " + folder.string() + ": " + error.message());
  {
    CAM_TRY(const auto lock, lock_folder(folder));
    if (fs::exists(folder / kSettingsFile, error))
      return fail(Errc::exists, "there is a factory in " + folder.string());
    const auto now = clock.now();
    CAM_TRY(const auto root_number, random_number(engine));
    CAM_TRY(const auto ca_number, random_number(engine));
    CAM_TRY(const auto root,
            crypto_openssl::issue_self_signed(root_key, root_name(settings), root_profile(now), root_number));
    CAM_TRY(const auto device_ca,
            crypto_openssl::issue_certificate(root_key, root, device_ca_name(settings),
                                              device_ca_key.spki_der(), device_ca_profile(now), ca_number));
    // Encoding a camera's certificate now finds settings that no camera could be provisioned with.
    CAM_TRY_STATUS(crypto_openssl::issue_certificate(device_ca_key, device_ca, identity_name(settings, "0"),
                                                     root_key.spki_der(),
                                                     identity_profile(settings, "0", now), ca_number));
    CAM_TRY_STATUS(
        write_file_atomically(folder / kRootCaFile, as_bytes(crypto_openssl::certificate_pem(root))));
    CAM_TRY_STATUS(
        write_file_atomically(folder / kDeviceCaFile, as_bytes(crypto_openssl::certificate_pem(device_ca))));
    CAM_TRY_STATUS(write_settings(folder, settings));
  }
  return open(folder, clock, engine);
}

Result<Factory> Factory::open(const fs::path& folder, const Clock& clock, const crypto::Engine& engine) {
  std::error_code error;
  if (!fs::exists(folder / kSettingsFile, error))
    return fail(Errc::not_found, "there is no factory in " + folder.string());
  CAM_TRY(auto lock, lock_folder(folder));
  CAM_TRY(auto settings, read_settings(folder));
  CAM_TRY(auto root, read_certificate(engine, folder / kRootCaFile));
  CAM_TRY(auto device_ca, read_certificate(engine, folder / kDeviceCaFile));
  if (!engine.is_signed_by(device_ca, root))
    return fail(Errc::malformed, "the device CA is not of this root");
  CAM_TRY(auto log, IssueLog::open(folder / kIssueLogFile, engine));
  return Factory(
      std::unique_ptr<State>(new State{folder, std::move(lock), std::move(settings), std::move(root),
                                       std::move(device_ca), std::move(log), &clock, &engine}));
}

const FactorySettings& Factory::settings() const {
  return state_->settings;
}
const Certificate& Factory::root() const {
  return state_->root;
}
const Certificate& Factory::device_ca() const {
  return state_->device_ca;
}
std::vector<std::string> Factory::serials() const {
  return state_->log.serials();
}

Result<Bytes> Factory::State::new_number() const {
  for (;;) {  // twice only if the random number generator is broken
    CAM_TRY(auto number, random_number(*engine));
    if (!log.has_number(to_hex(number))) return number;
  }
}

// The key is of a kind we certify, and no certificate was ever made for it; for this camera's own interrupted
// provisioning the answer is decided by the caller.
Result<CertificateEntry> Factory::State::check_key(const std::string& serial,
                                                   const CertificateRequest& request) const {
  if (!is_allowed_key(request.key->alg())) {
    return fail(Errc::denied,
                "certificates are for ECDSA and RSA keys, not " + std::string(to_string(request.key->alg())));
  }
  CertificateEntry entry;
  entry.key = key_hash(*engine, request.spki);
  const auto owner = log.serial_of_key(entry.key);
  if (!owner.empty() && owner != serial)
    return fail(Errc::denied, "this key has a certificate as camera " + owner);
  const bool of_ca =
      equal(request.spki, root.key->spki_der()) || equal(request.spki, device_ca.key->spki_der());
  if (of_ca) return fail(Errc::denied, "a CA's key is not a camera's");
  return entry;
}

Result<Certificate> Factory::State::sign(SigningKey& ca_key, const crypto_openssl::SubjectName& name,
                                         const CertificateRequest& request,
                                         const crypto_openssl::CertificateProfile& profile,
                                         BytesView number) const {
  CAM_TRY(auto certificate,
          crypto_openssl::issue_certificate(ca_key, device_ca, name, request.spki, profile, number));
  const std::vector<Certificate> intermediates{device_ca};
  const std::vector<Certificate> anchors{root};
  crypto::PathRequest path;
  path.leaf = &certificate;
  path.intermediates = &intermediates;
  path.anchors = &anchors;
  path.at = now();
  const auto result = engine->validate_path(path);
  if (result.verdict != crypto::PathVerdict::trusted) return fail(Errc::invalid, result.reason);
  return certificate;
}

DeviceCertificates Factory::State::bundle(const std::string& serial, Certificate identity,
                                          Certificate media_signing) const {
  DeviceCertificates out;
  out.serial = serial;
  out.identity_chain_pem = crypto_openssl::certificates_pem({identity, device_ca});
  out.media_signing_chain_pem = crypto_openssl::certificates_pem({media_signing, device_ca});
  out.identity = std::move(identity);
  out.media_signing = std::move(media_signing);
  return out;
}

// What is on the disk for a camera, if it is what the log speaks of.
Result<DeviceCertificates> Factory::State::read_issued(const std::string& serial,
                                                       const DeviceEntry& entry) const {
  const auto file = issued_file(folder, serial);
  CAM_TRY(const auto content, read_file(file, kMaxIssuedFile));
  CAM_TRY(auto list, engine->certificates_from_pem(as_text(content), 2));
  const auto fits = [&](const Certificate& certificate, const CertificateEntry& logged) {
    return certificate.serial == logged.number &&
           key_hash(*engine, certificate.key->spki_der()) == logged.key &&
           (logged.fingerprint.empty() || certificate.sha256 == logged.fingerprint) &&
           engine->is_signed_by(certificate, device_ca);
  };
  if (list.size() != 2 || !fits(list[0], entry.identity) || !fits(list[1], entry.media_signing)) {
    return fail(Errc::malformed, file.string() + " does not hold what the log says was issued");
  }
  return bundle(serial, std::move(list[0]), std::move(list[1]));
}

Bytes Factory::challenge() {
  constexpr std::size_t kChallenge = 16;
  state_->open_challenge.resize(kChallenge);
  state_->engine->random(state_->open_challenge);
  return state_->open_challenge;
}

// SHA-256 of the key that attests the camera's media signing key; empty without evidence.
Result<Bytes> Factory::State::attester_of(const ProvisionRequest& request,
                                          const CertificateRequest& media_request) {
  const auto nonce = std::exchange(open_challenge, {});
  if (request.attestation.empty()) return Bytes{};
  if (nonce.empty()) return fail(Errc::invalid, "evidence about a key that nobody asked for");
  const auto found = attestation::check(
      *engine, {attestation::kKeystored, request.attestation, media_request.spki, nonce, {}});
  if (found.standing != attestation::Standing::own_word) return fail(Errc::invalid, found.reason);
  if (found.statement->origin == attestation::KeyOrigin::imported)
    return fail(Errc::invalid, "the media signing key was imported: somebody else may have it");
  CAM_TRY(const auto evidence, attestation::decode_evidence(request.attestation));
  return to_bytes(engine->digest(crypto::HashAlg::sha256, evidence.attester_spki).view());
}

Result<DeviceCertificates> Factory::provision(SigningKey& device_ca_key, const ProvisionRequest& request) {
  auto& s = *state_;
  const auto& serial = request.serial;
  if (!is_device_serial(serial)) return fail(Errc::usage, "not a serial number");
  CAM_TRY_STATUS(check_is_key_of(device_ca_key, s.device_ca, "device CA"));
  if (s.log.revoked_device_ca()) return fail(Errc::denied, "the device CA is revoked");
  CAM_TRY(const auto identity_request, read_request(request.identity_request, "identity request", serial));
  CAM_TRY(const auto media_request,
          read_request(request.media_signing_request, "media signing request", serial));
  CAM_TRY(const auto attester, s.attester_of(request, media_request));
  DeviceEntry entry;
  CAM_TRY(entry.identity, s.check_key(serial, identity_request));
  CAM_TRY(entry.media_signing, s.check_key(serial, media_request));
  if (entry.identity.key == entry.media_signing.key) {
    return fail(Errc::denied, "identity and media signing need different keys");
  }
  if (const auto* known = s.log.find(serial)) {
    if (s.is_revoked(*known)) return fail(Errc::denied, "serial number " + serial + " is revoked");
    const bool same_keys =
        known->identity.key == entry.identity.key && known->media_signing.key == entry.media_signing.key;
    if (known->issued || !same_keys)
      return fail(Errc::exists, "serial number " + serial + " has been issued or reserved");
    // Interrupted after its certificates were written and before the log said so: these are the ones.
    if (auto written = s.read_issued(serial, *known)) {
      entry = *known;
      entry.issued = true;
      entry.identity.fingerprint = written->identity.sha256;
      entry.media_signing.fingerprint = written->media_signing.sha256;
      CAM_TRY_STATUS(s.log.issued(serial, entry, s.now()));
      return written;
    }
  }
  CAM_TRY(const auto identity_number, s.new_number());
  CAM_TRY(const auto media_number, s.new_number());
  entry.identity.number = to_hex(identity_number);
  entry.media_signing.number = to_hex(media_number);
  const auto now = s.now();
  CAM_TRY_STATUS(s.log.reserve(serial, entry, now));  // from here on these numbers are used, whatever happens
  CAM_TRY(auto identity, s.sign(device_ca_key, identity_name(s.settings, serial), identity_request,
                                identity_profile(s.settings, serial, now), identity_number));
  CAM_TRY(auto media_signing, s.sign(device_ca_key, media_signing_name(s.settings, serial), media_request,
                                     media_signing_profile(s.settings, now, attester), media_number));
  const auto pem = crypto_openssl::certificates_pem({identity, media_signing});
  CAM_TRY_STATUS(write_file_atomically(issued_file(s.folder, serial), as_bytes(pem)));
  entry.issued = true;
  entry.identity.fingerprint = identity.sha256;
  entry.media_signing.fingerprint = media_signing.sha256;
  CAM_TRY_STATUS(s.log.issued(serial, entry, now));
  return s.bundle(serial, std::move(identity), std::move(media_signing));
}

// Nothing is certified for a camera that has no identity, or had one.
Status Factory::State::check_may_add(SigningKey& device_ca_key, const std::string& serial) const {
  CAM_TRY_STATUS(check_is_key_of(device_ca_key, device_ca, "device CA"));
  if (log.revoked_device_ca()) return fail(Errc::denied, "the device CA is revoked");
  const auto* known = log.find(serial);
  if (known == nullptr || !known->issued)
    return fail(Errc::not_found, "nothing was issued for this serial number: provision the camera first");
  if (is_revoked(*known)) return fail(Errc::denied, "serial number " + serial + " is revoked");
  return ok();
}

Result<FurtherCertificate> Factory::State::read_further(const std::string& serial,
                                                        const FurtherEntry& entry) const {
  const auto file = further_file(folder, serial, entry.use);
  CAM_TRY(auto certificate, read_certificate(*engine, file));
  if (certificate.sha256 != entry.certificate.fingerprint || !engine->is_signed_by(certificate, device_ca))
    return fail(Errc::malformed, file.string() + " does not hold what the log says was issued");
  FurtherCertificate out{serial, entry.use, std::move(certificate), {}};
  out.chain_pem = crypto_openssl::certificates_pem({out.certificate, device_ca});
  return out;
}

Result<FurtherCertificate> Factory::add_identity(SigningKey& device_ca_key, const std::string& serial,
                                                 std::string_view use, BytesView request_der) {
  auto& s = *state_;
  const auto kind = std::find_if(std::begin(kFurtherIdentities), std::end(kFurtherIdentities),
                                 [&](const FurtherIdentity& each) { return each.use == use; });
  if (kind == std::end(kFurtherIdentities)) return fail(Errc::usage, "no such kind of identity");
  CAM_TRY_STATUS(s.check_may_add(device_ca_key, serial));
  CAM_TRY(const auto request, read_request(request_der, use, serial));
  if (request.key->alg() != kind->alg)
    return fail(Errc::denied, std::string(use) + " is for keys of the kind " +
                                  std::string(to_string(kind->alg)) + ", not " +
                                  std::string(to_string(request.key->alg())));
  FurtherEntry entry{std::string(use), {}};
  CAM_TRY(entry.certificate, s.check_key(serial, request));
  for (const auto& before : s.log.further_of(serial)) {
    if (before.use != use) continue;
    if (before.certificate.key == entry.certificate.key) return s.read_further(serial, before);
    return fail(Errc::exists, "serial number " + serial + " has this identity, of another key");
  }
  if (!s.log.serial_of_key(entry.certificate.key).empty())
    return fail(Errc::denied, "this key has another certificate of this camera");
  CAM_TRY(const auto number, s.new_number());
  const auto now = s.now();
  CAM_TRY(auto certificate, s.sign(device_ca_key, identity_name(s.settings, serial), request,
                                   identity_profile(s.settings, serial, now), number));
  entry.certificate.number = to_hex(number);
  entry.certificate.fingerprint = certificate.sha256;
  CAM_TRY_STATUS(write_file_atomically(further_file(s.folder, serial, use),
                                       as_bytes(crypto_openssl::certificate_pem(certificate))));
  CAM_TRY_STATUS(s.log.certified(serial, entry, now));
  return s.read_further(serial, entry);
}

Result<std::vector<Certificate>> Factory::certify_attester(SigningKey& device_ca_key,
                                                           const std::string& serial, BytesView spki,
                                                           bool simulator) {
  auto& s = *state_;
  CAM_TRY_STATUS(s.check_may_add(device_ca_key, serial));
  FurtherEntry entry{std::string(kAttestationUse), {}};
  entry.certificate.key = key_hash(*s.engine, spki);
  const auto owner = s.log.serial_of_key(entry.certificate.key);
  if (!owner.empty() && owner != serial)
    return fail(Errc::denied, "this attestation key has a certificate as that of camera " + owner);
  CAM_TRY(const auto number, s.new_number());
  entry.certificate.number = to_hex(number);
  CAM_TRY(auto certificate, crypto_openssl::issue_certificate(device_ca_key, s.device_ca,
                                                              attester_name(s.settings, serial, simulator),
                                                              spki, attester_profile(s.now()), number));
  entry.certificate.fingerprint = certificate.sha256;
  CAM_TRY_STATUS(s.log.certified(serial, entry, s.now()));
  return std::vector<Certificate>{std::move(certificate), s.device_ca};
}

Result<DeviceCertificates> Factory::issued(std::string_view serial) const {
  const auto* entry = state_->log.find(serial);
  if (entry == nullptr || !entry->issued)
    return fail(Errc::not_found, "nothing was issued for this serial number");
  if (state_->is_revoked(*entry)) return fail(Errc::denied, "this serial number is revoked");
  return state_->read_issued(std::string(serial), *entry);
}

Result<crypto::RevocationList> Factory::State::publish(
    SigningKey& key, const Certificate& issuer, std::string_view file, std::chrono::days validity,
    std::vector<crypto_openssl::RevokedCertificate> revoked) {
  if (validity.count() < 1 || validity > kLongestListValidity)
    return fail(Errc::usage, "a list is valid for 1 to 3660 days");
  crypto_openssl::RevocationContent content;
  content.this_update = now();
  content.next_update = content.this_update + validity;
  content.revoked = std::move(revoked);
  CAM_TRY(content.number, log.next_list_number(content.this_update));
  CAM_TRY(auto list, crypto_openssl::issue_revocation_list(key, issuer, content));
  CAM_TRY_STATUS(write_file_atomically(folder / file, as_bytes(crypto_openssl::revocation_list_pem(list))));
  return list;
}

Result<crypto::RevocationList> Factory::revoke(SigningKey& device_ca_key, std::string_view serial,
                                               RevocationCause cause) {
  auto& s = *state_;
  CAM_TRY_STATUS(check_is_key_of(device_ca_key, s.device_ca, "device CA"));
  const auto* entry = s.log.find(serial);
  if (entry == nullptr) return fail(Errc::not_found, "this serial number was never issued");
  const auto now = s.now();
  std::vector<std::string> numbers{entry->identity.number, entry->media_signing.number};
  for (const auto& further : s.log.further_of(serial)) numbers.push_back(further.certificate.number);
  std::vector<RevokedEntry> entries;
  for (const auto& number : numbers) {
    const auto before = s.log.revoked().find(number);
    // A certificate keeps its first date; only a compromise that becomes known later changes the entry.
    const bool known = before != s.log.revoked().end();
    if (known && (before->second.reason == kReasonKeyCompromise || cause != RevocationCause::key_compromise))
      continue;
    entries.push_back({number, known ? before->second.since : now, reason_number(cause)});
  }
  if (!entries.empty()) CAM_TRY_STATUS(s.log.revoke(std::string(serial), entries, now));
  return publish_device_ca_list(device_ca_key, kListValidity);
}

Result<crypto::RevocationList> Factory::publish_device_ca_list(SigningKey& device_ca_key,
                                                               std::chrono::days validity) {
  auto& s = *state_;
  CAM_TRY_STATUS(check_is_key_of(device_ca_key, s.device_ca, "device CA"));
  std::vector<crypto_openssl::RevokedCertificate> revoked;
  for (const auto& [number, entry] : s.log.revoked()) revoked.push_back(to_list_entry(entry));
  return s.publish(device_ca_key, s.device_ca, kDeviceCaListFile, validity, std::move(revoked));
}

Result<crypto::RevocationList> Factory::publish_root_list(SigningKey& root_key, std::chrono::days validity,
                                                          bool revoke_device_ca) {
  auto& s = *state_;
  CAM_TRY_STATUS(check_is_key_of(root_key, s.root, "root CA"));
  if (revoke_device_ca && !s.log.revoked_device_ca()) {
    constexpr int kCaCompromise = 2;  // RFC 5280 5.3.1
    CAM_TRY_STATUS(s.log.revoke_device_ca({s.device_ca.serial, s.now(), kCaCompromise}, s.now()));
  }
  std::vector<crypto_openssl::RevokedCertificate> revoked;
  if (s.log.revoked_device_ca()) revoked.push_back(to_list_entry(*s.log.revoked_device_ca()));
  return s.publish(root_key, s.root, kRootListFile, validity, std::move(revoked));
}

}  // namespace camvault::identity

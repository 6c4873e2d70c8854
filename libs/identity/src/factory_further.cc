// What a camera gets beside its first two certificates, and new ones after a rollover.
#include <algorithm>

#include "factory_state.h"

namespace camvault::identity {

using crypto::Certificate;
using crypto::SigningKey;

namespace {
// A certificate that ends can be had again in its last third.
bool is_nearly_over(const Certificate& certificate, Timestamp now) {
  if (certificate.not_after == kNoEnd) return false;
  return now >= certificate.not_after - (certificate.not_after - certificate.not_before) / 3;
}
}  // namespace

// Nothing is certified for a camera that has no identity, or had one.
Status Factory::State::check_known(const std::string& serial) const {
  const auto* known = log.find(serial);
  if (known == nullptr || !known->issued)
    return fail(Errc::not_found, "nothing was issued for this serial number: provision the camera first");
  if (is_revoked(*known)) return refuse(Errc::denied, "revoked", "serial number " + serial + " is revoked");
  return ok();
}

Result<FurtherCertificate> Factory::State::read_further(const std::string& serial,
                                                        const FurtherEntry& entry) const {
  const auto ca = entry.certificate.ca;
  const auto file = further_file(folder, serial, entry.use, ca);
  CAM_TRY(auto certificate, read_certificate(*engine, file));
  if (ca >= authorities.size() || hash_of(certificate.der) != entry.certificate.fingerprint ||
      !engine->is_signed_by(certificate, authorities[ca].certificate))
    return fail(Errc::malformed, file.string() + " does not hold what the log says was issued");
  FurtherCertificate out{serial, entry.use, std::move(certificate), {}};
  out.chain_pem = crypto_openssl::certificates_pem({out.certificate, authorities[ca].certificate});
  return out;
}

Result<FurtherCertificate> Factory::State::certify_as(SigningKey& ca_key, const std::string& serial,
                                                      std::string_view use, const CertificateRules& by,
                                                      BytesView request_der) {
  CAM_TRY(const auto ca, usable_issuer(ca_key, by.issuer));
  CAM_TRY_STATUS(check_known(serial));
  auto request = crypto_openssl::read_certificate_request(request_der);
  if (!request) return fail_in("bad-request: " + std::string(use), request.error());
  if (request->device_serial != serial)
    return refuse(Errc::invalid, "bad-request", "the request is for another serial number");
  if (!allows_key(by, request->key->alg()))
    return refuse(
        Errc::denied, "kind-of-key",
        std::string(use) + " is not for keys of the kind " + std::string(to_string(request->key->alg())));
  FurtherEntry entry{std::string(use), {}};
  CAM_TRY(entry.certificate, check_key(serial, *request));
  for (const auto& before : log.further_of(serial)) {
    if (before.use != use) continue;
    auto had = read_further(serial, before);
    const bool same_key = before.certificate.key == entry.certificate.key;
    if (had && is_nearly_over(had->certificate, now())) continue;
    if (had && same_key && before.certificate.ca != ca) continue;
    if (same_key) return had;
    return refuse(
        Errc::exists, "repeated-serial",
        "serial number " + serial + " has a certificate for " + std::string(use) + ", of another key");
  }
  const auto owned = log.serial_of_key(entry.certificate.key);
  const auto& further = log.further_of(serial);
  const bool again = std::any_of(further.begin(), further.end(), [&](const FurtherEntry& before) {
    return before.use == use && before.certificate.key == entry.certificate.key;
  });
  if (!owned.empty() && !again)
    return refuse(Errc::denied, "one-key-for-two", "this key has another certificate of this camera");
  CAM_TRY(entry.certificate.number, new_number());
  entry.certificate.ca = ca;
  const auto of_camera = values(serial);
  CAM_TRY(const auto name, subject_of(by, of_camera));
  CAM_TRY(auto certificate,
          sign(ca_key, ca, name, request->spki, profile_of(by, of_camera, now()), entry.certificate.number));
  entry.certificate.fingerprint = hash_of(certificate.der);
  const std::vector<std::pair<std::filesystem::path, std::string>> files{
      {further_file(folder, serial, use, ca), crypto_openssl::certificate_pem(certificate)}};
  CAM_TRY_STATUS(write_files_together(folder, files));
  log.stage_certified(serial, entry, now());
  CAM_TRY_STATUS(log.commit());
  return read_further(serial, entry);
}

Result<FurtherCertificate> Factory::add_identity(SigningKey& device_ca_key, const std::string& serial,
                                                 std::string_view use, BytesView request) {
  auto& s = *state_;
  const auto* const kind = std::find_if(std::begin(kFurtherIdentities), std::end(kFurtherIdentities),
                                        [&](const FurtherIdentity& each) { return each.use == use; });
  if (kind == std::end(kFurtherIdentities)) return fail(Errc::usage, "no such kind of identity");
  CAM_TRY(const auto* rules, s.rules("idevid"));
  auto of_this_kind = *rules;
  of_this_kind.key_types = {kind->alg};
  return s.certify_as(device_ca_key, serial, use, of_this_kind, request);
}

Result<FurtherCertificate> Factory::certify(SigningKey& ca_key, const std::string& serial,
                                            std::string_view profile, BytesView request) {
  CAM_TRY(const auto* rules, state_->rules(profile));
  const auto follows = rules->follows;
  // The first two are provision's; what speaks for an authority is no camera's.
  const bool for_cameras = !rules->ca && profile != "idevid" && profile != "media-signing" &&
                           follows != ProfileRules::attestation && follows != ProfileRules::ocsp_responder &&
                           follows != ProfileRules::log_signer;
  if (!for_cameras)
    return fail(Errc::usage,
                "certificates by the profile " + std::string(profile) + " are not given in this way");
  return state_->certify_as(ca_key, serial, profile, *rules, request);
}

Result<std::vector<Certificate>> Factory::certify_attester(SigningKey& device_ca_key,
                                                           const std::string& serial, BytesView spki,
                                                           bool simulator) {
  auto& s = *state_;
  CAM_TRY(const auto ca, s.usable_issuer(device_ca_key, "device-ca"));
  CAM_TRY_STATUS(s.check_known(serial));
  CAM_TRY(const auto* rules, s.rules("attestation"));
  FurtherEntry entry{std::string(kAttestationUse), {}};
  entry.certificate.key = s.hash_of(spki);
  const auto owner = s.log.serial_of_key(entry.certificate.key);
  if (!owner.empty() && owner != serial)
    return refuse(Errc::denied, "key-of-another-camera",
                  "this attestation key has a certificate as that of camera " + owner);
  CAM_TRY(entry.certificate.number, s.new_number());
  entry.certificate.ca = ca;
  // A simulator's says so in its name.
  const auto values = s.values(serial, simulator ? "SIMULATOR attest" : "attestation");
  CAM_TRY(const auto name, subject_of(*rules, values));
  CAM_TRY(auto certificate,
          crypto_openssl::issue_certificate(device_ca_key, s.authorities[ca].certificate, name, spki,
                                            profile_of(*rules, values, s.now()), entry.certificate.number));
  entry.certificate.fingerprint = s.hash_of(certificate.der);
  s.log.stage_certified(serial, entry, s.now());
  CAM_TRY_STATUS(s.log.commit());
  return std::vector<Certificate>{std::move(certificate), s.authorities[ca].certificate};
}

Result<DeviceCertificates> Factory::reissue(SigningKey& device_ca_key, const std::string& serial) {
  auto& s = *state_;
  CAM_TRY(const auto ca, s.usable_issuer(device_ca_key, "device-ca"));
  CAM_TRY_STATUS(s.check_known(serial));
  const auto* known = s.log.find(serial);
  if (known->identity.ca == ca)
    return refuse(Errc::exists, "has-new-ones",
                  "the certificates of this camera are of the present device CA");
  CAM_TRY(auto before, s.read_issued(serial, *known));
  Issue issue;
  issue.serial = serial;
  issue.entry = *known;
  issue.identity_key = before.identity.key->spki_der();
  issue.media_signing_key = before.media_signing.key->spki_der();
  issue.attester = before.media_signing.attester;
  for (auto* entry : {&issue.entry.identity, &issue.entry.media_signing}) {
    entry->ca = ca;
    entry->fingerprint = {};
    CAM_TRY(entry->number, s.new_number());
  }
  for (const auto& further : s.log.further_of(serial)) {
    const bool is_identity = further.use.starts_with("idevid-");
    if (!is_identity || further.certificate.ca == ca) continue;  // the others are asked for again
    CAM_TRY(const auto had, s.read_further(serial, further));
    Issue::Further again{had.certificate.key->spki_der(), further, {}};
    again.entry.certificate.ca = ca;
    CAM_TRY(again.entry.certificate.number, s.new_number());
    issue.further.push_back(std::move(again));
  }
  s.log.stage_reissue(serial, issue.entry, s.now());
  CAM_TRY_STATUS(s.log.commit());
  CAM_TRY_STATUS(s.sign_all(device_ca_key, issue));
  CAM_TRY_STATUS(s.write({&issue}));
  s.stage_issued(issue);
  CAM_TRY_STATUS(s.log.commit());
  return s.bundle(serial, ca, std::move(issue.identity), std::move(issue.media_signing));
}

}  // namespace camvault::identity

// From requests to certificates: each step of all cameras of a group before the next step of any.
#include <algorithm>
#include <set>

#include "camvault/attestation/check.h"
#include "camvault/crypto/extensions.h"
#include "factory_state.h"

namespace camvault::identity {

namespace fs = std::filesystem;
using crypto::Certificate;
using crypto::SigningKey;

namespace {
constexpr std::size_t kMaxIssuedFile = 256 * 1024;
constexpr std::size_t kMaxFurther = std::size(kFurtherIdentities);
constexpr std::uint64_t kLinesToCheckpoint = 1000;

Result<CertificateRequest> read_request(BytesView der, std::string_view which, const std::string& serial) {
  auto request = crypto_openssl::read_certificate_request(der);
  if (!request) return fail_in("bad-request: " + std::string(which), std::move(request).error());
  if (request->device_serial != serial)
    return refuse(Errc::invalid, "bad-request",
                  std::string(which) + ": the request is for another serial number");
  return request;
}
}  // namespace

Result<ReadRequests> read_requests(const ProvisionRequest& request) {
  if (!is_device_serial(request.serial)) return refuse(Errc::usage, "bad-request", "not a serial number");
  if (request.further.size() > kMaxFurther)
    return refuse(Errc::limit, "bad-request", "more identities than there are kinds");
  ReadRequests out;
  out.serial = request.serial;
  CAM_TRY(out.identity, read_request(request.identity_request, "identity request", request.serial));
  CAM_TRY(out.media_signing,
          read_request(request.media_signing_request, "media signing request", request.serial));
  for (const auto& [use, der] : request.further) {
    CAM_TRY(auto read, read_request(der, use, request.serial));
    out.further.push_back({use, std::move(read)});
  }
  out.evidence = request.attestation;
  out.nonce = request.attestation_nonce;
  return out;
}

bool Factory::State::is_revoked(const DeviceEntry& entry) const {
  return log.revoked().contains(to_hex(entry.identity.number)) ||
         log.revoked().contains(to_hex(entry.media_signing.number));
}

// The key is of a kind we certify, and no certificate was ever made for it; for this camera's own interrupted
// provisioning the answer is decided by the caller.
Result<CertificateEntry> Factory::State::check_key(const std::string& serial,
                                                   const CertificateRequest& request) const {
  CertificateEntry entry;
  entry.key = hash_of(request.spki);
  const auto owner = log.serial_of_key(entry.key);
  if (!owner.empty() && owner != serial)
    return refuse(Errc::denied, "key-of-another-camera", "this key has a certificate as camera " + owner);
  const auto is_of = [&](const Certificate& of) { return equal(request.spki, of.key->spki_der()); };
  const bool of_ca =
      is_of(root) || std::any_of(authorities.begin(), authorities.end(),
                                 [&](const Authority& each) { return is_of(each.certificate); });
  if (of_ca) return refuse(Errc::denied, "key-of-a-ca", "a CA's key is not a camera's");
  return entry;
}

// SHA-256 of the key that attests the camera's media signing key; empty without evidence.
Result<Bytes> Factory::State::attester_of(const ReadRequests& requests) const {
  if (requests.evidence.empty()) return Bytes{};
  if (requests.nonce.empty())
    return refuse(Errc::invalid, "bad-evidence", "evidence about a key that nobody asked for");
  const auto found = attestation::check(
      *engine, {attestation::kKeystored, requests.evidence, requests.media_signing.spki, requests.nonce, {}});
  if (found.standing != attestation::Standing::own_word)
    return refuse(Errc::invalid, "bad-evidence", found.reason);
  if (found.statement->origin == attestation::KeyOrigin::imported)
    return refuse(Errc::invalid, "imported-key",
                  "the media signing key was imported: somebody else may have it");
  CAM_TRY(const auto evidence, attestation::decode_evidence(requests.evidence));
  return to_bytes(hash_of(evidence.attester_spki));
}

Result<crypto_openssl::CertificateProfile> Factory::State::media_signing_profile(Timestamp now,
                                                                                 BytesView attester) const {
  CAM_TRY(const auto* by, rules("media-signing"));
  auto profile = profile_of(*by, values(), now);
  if (settings.media_signing_validity) profile.not_after = now + *settings.media_signing_validity;
  if (settings.media_supplement) {
    profile.private_extensions.push_back(
        {to_bytes(crypto::kMediaSupplementOidDer), to_bytes(crypto::kMediaSupplementPolicyDer)});
  }
  if (!attester.empty()) {
    Bytes value{0x04, static_cast<std::uint8_t>(attester.size())};  // OCTET STRING
    append(value, attester);
    profile.private_extensions.push_back({to_bytes(crypto::kAttestationKeyOidDer), std::move(value)});
  }
  return profile;
}

Result<Certificate> Factory::State::sign(SigningKey& ca_key, std::uint16_t ca,
                                         const crypto_openssl::SubjectName& name, BytesView spki,
                                         const crypto_openssl::CertificateProfile& profile,
                                         const CertificateNumber& number) const {
  CAM_TRY(auto certificate, crypto_openssl::issue_certificate(ca_key, authorities[ca].certificate, name, spki,
                                                              profile, number));
  const std::vector<Certificate> intermediates{authorities[ca].certificate};
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

// Judges one camera's requests and reserves what it gets.
Result<Issue> Factory::State::begin(const ReadRequests& requests, std::uint16_t ca, const BatchMark& mark) {
  const auto& serial = requests.serial;
  CAM_TRY(const auto* identity_rules, rules("idevid"));
  CAM_TRY(const auto* media_rules, rules("media-signing"));
  Issue issue;
  issue.serial = serial;
  issue.identity_key = requests.identity.spki;
  issue.media_signing_key = requests.media_signing.spki;
  for (const auto& [by, request] :
       {std::pair{identity_rules, &requests.identity}, {media_rules, &requests.media_signing}}) {
    if (!allows_key(*by, request->key->alg()))
      return refuse(
          Errc::denied, "kind-of-key",
          "certificates are not for keys of the kind " + std::string(to_string(request->key->alg())));
  }
  auto& entry = issue.entry;
  CAM_TRY(entry.identity, check_key(serial, requests.identity));
  CAM_TRY(entry.media_signing, check_key(serial, requests.media_signing));
  if (entry.identity.key == entry.media_signing.key)
    return refuse(Errc::denied, "one-key-for-two", "identity and media signing need different keys");
  CAM_TRY(issue.attester, attester_of(requests));
  entry.batch = mark.number;
  if (const auto* known = log.find(serial)) {
    if (is_revoked(*known)) return refuse(Errc::denied, "revoked", "serial number " + serial + " is revoked");
    const bool same_keys =
        known->identity.key == entry.identity.key && known->media_signing.key == entry.media_signing.key;
    if (!same_keys)
      return refuse(Errc::exists, "repeated-serial",
                    "serial number " + serial + " has been issued or reserved, to other keys");
    if (known->issued)
      return refuse(Errc::exists, "replayed-request",
                    "serial number " + serial + " has been issued to these very keys");
    // Interrupted after its certificates were written and before the log said so: these are the ones.
    if (auto written = read_issued(serial, *known)) {
      entry = *known;
      issue.identity = std::move(written->identity);
      issue.media_signing = std::move(written->media_signing);
      issue.was_written = true;
      CAM_TRY_STATUS(begin_further(requests, issue, ca));
      return issue;
    }
  }
  CAM_TRY_STATUS(check_order(serial, mark.order));
  CAM_TRY_STATUS(begin_further(requests, issue, ca));
  CAM_TRY(entry.identity.number, new_number());
  CAM_TRY(entry.media_signing.number, new_number());
  entry.identity.ca = ca;
  entry.media_signing.ca = ca;
  log.stage_reserved(serial, entry, now());  // from here on these numbers are used, whatever happens
  return issue;
}

Status Factory::State::begin_further(const ReadRequests& requests, Issue& issue, std::uint16_t ca) {
  for (const auto& [use, request] : requests.further) {
    const auto* const kind = std::find_if(std::begin(kFurtherIdentities), std::end(kFurtherIdentities),
                                          [&](const FurtherIdentity& each) { return each.use == use; });
    if (kind == std::end(kFurtherIdentities))
      return refuse(Errc::denied, "bad-request", "no such kind of identity");
    if (request.key->alg() != kind->alg)
      return refuse(Errc::denied, "kind-of-key", "the key for " + use + " is of another kind");
    Issue::Further further{request.spki, {use, {}}, {}};
    CAM_TRY(further.entry.certificate, check_key(issue.serial, request));
    const auto& key = further.entry.certificate.key;
    const bool used =
        std::any_of(issue.further.begin(), issue.further.end(), [&](const Issue::Further& before) {
          return before.entry.use == use || before.entry.certificate.key == key;
        });
    if (used) return refuse(Errc::denied, "one-key-for-two", "an identity or key is there twice");
    CAM_TRY(further.entry.certificate.number, new_number());
    further.entry.certificate.ca = ca;
    issue.further.push_back(std::move(further));
  }
  return ok();
}

Status Factory::State::sign_all(SigningKey& ca_key, Issue& issue) const {
  CAM_TRY(const auto* identity_rules, rules("idevid"));
  CAM_TRY(const auto* media_rules, rules("media-signing"));
  const auto of_camera = values(issue.serial);
  const auto at = now();
  const auto ca = issue.entry.identity.ca;
  CAM_TRY(const auto name, subject_of(*identity_rules, of_camera));
  const auto profile = profile_of(*identity_rules, of_camera, at);
  if (!issue.was_written) {
    CAM_TRY(issue.identity, sign(ca_key, ca, name, issue.identity_key, profile, issue.entry.identity.number));
    CAM_TRY(const auto media_name, subject_of(*media_rules, of_camera));
    CAM_TRY(const auto media_profile, media_signing_profile(at, issue.attester));
    CAM_TRY(issue.media_signing, sign(ca_key, ca, media_name, issue.media_signing_key, media_profile,
                                      issue.entry.media_signing.number));
  }
  issue.entry.identity.fingerprint = hash_of(issue.identity.der);
  issue.entry.media_signing.fingerprint = hash_of(issue.media_signing.der);
  issue.entry.issued = true;
  for (auto& further : issue.further) {
    CAM_TRY(further.certificate,
            sign(ca_key, ca, name, further.key, profile, further.entry.certificate.number));
    further.entry.certificate.fingerprint = hash_of(further.certificate.der);
  }
  return ok();
}

// All files of a group, and one wait for the disk. A file that is not whole after a stop belongs to a camera
// that the log only reserved: it is not looked at, and written again.
Status Factory::State::write(const std::vector<Issue*>& issues) const {
  std::vector<std::pair<fs::path, std::string>> files;
  for (const auto* issue : issues) {
    if (!issue->was_written)
      files.emplace_back(issued_file(folder, issue->serial, issue->entry.identity.ca),
                         crypto_openssl::certificates_pem({issue->identity, issue->media_signing}));
    for (const auto& further : issue->further)
      files.emplace_back(further_file(folder, issue->serial, further.entry.use, further.entry.certificate.ca),
                         crypto_openssl::certificate_pem(further.certificate));
  }
  return write_files_together(folder, files);
}

void Factory::State::stage_issued(Issue& issue) {
  log.stage_issued(issue.serial, issue.entry, now());
  for (const auto& further : issue.further) log.stage_certified(issue.serial, further.entry, now());
}

DeviceCertificates Factory::State::bundle(const std::string& serial, std::uint16_t ca, Certificate identity,
                                          Certificate media_signing) const {
  const auto& issuer = authorities[ca].certificate;
  DeviceCertificates out;
  out.serial = serial;
  out.identity_chain_pem = crypto_openssl::certificates_pem({identity, issuer});
  out.media_signing_chain_pem = crypto_openssl::certificates_pem({media_signing, issuer});
  out.identity = std::move(identity);
  out.media_signing = std::move(media_signing);
  return out;
}

// What is on the disk for a camera, if it is what the log speaks of.
Result<DeviceCertificates> Factory::State::read_issued(const std::string& serial,
                                                       const DeviceEntry& entry) const {
  const auto ca = entry.identity.ca;
  const auto file = issued_file(folder, serial, ca);
  CAM_TRY(const auto content, read_file(file, kMaxIssuedFile));
  CAM_TRY(auto list, engine->certificates_from_pem(as_text(content), 2));
  const auto fits = [&](const Certificate& certificate, const CertificateEntry& logged) {
    return certificate.serial == to_hex(logged.number) &&
           hash_of(certificate.key->spki_der()) == logged.key &&
           (logged.fingerprint == Sha256{} || hash_of(certificate.der) == logged.fingerprint) &&
           engine->is_signed_by(certificate, authorities[ca].certificate);
  };
  if (list.size() != 2 || ca >= authorities.size() || !fits(list[0], entry.identity) ||
      !fits(list[1], entry.media_signing)) {
    return fail(Errc::malformed, file.string() + " does not hold what the log says was issued");
  }
  return bundle(serial, ca, std::move(list[0]), std::move(list[1]));
}

Bytes Factory::challenge() {
  constexpr std::size_t kChallenge = 16;
  state_->open_challenge.resize(kChallenge);
  state_->engine->random(state_->open_challenge);
  return state_->open_challenge;
}

Result<DeviceCertificates> Factory::provision(SigningKey& device_ca_key, const ProvisionRequest& request) {
  return std::move(provision_group(device_ca_key, {request}).front());
}

std::vector<Result<DeviceCertificates>> Factory::provision_group(
    SigningKey& device_ca_key, const std::vector<ProvisionRequest>& requests, const BatchMark& mark) {
  auto& s = *state_;
  const auto nonce = std::exchange(s.open_challenge, {});
  std::vector<Result<Issue>> issues;
  std::set<std::string> begun;
  const auto ca = s.usable_issuer(device_ca_key, "device-ca");
  for (const auto& request : requests) {
    issues.push_back([&]() -> Result<Issue> {
      if (!ca) return tl::unexpected(ca.error());
      CAM_TRY(auto read, read_requests(request));
      if (read.nonce.empty()) read.nonce = nonce;
      // What this very group reserved is not an interrupted provisioning that goes on.
      const auto* known = begun.contains(request.serial) ? s.log.find(request.serial) : nullptr;
      if (known != nullptr && s.hash_of(read.identity.spki) == known->identity.key &&
          s.hash_of(read.media_signing.spki) == known->media_signing.key)
        return refuse(Errc::exists, "replayed-request",
                      "serial number " + request.serial + " has been asked for with these very keys");
      CAM_TRY(auto issue, s.begin(read, *ca, mark));
      begun.insert(request.serial);
      return issue;
    }());
  }
  const auto together = [&](const Status& status) {  // what goes wrong for all of them
    for (auto& issue : issues) {
      if (!status && issue) issue = tl::unexpected(status.error());
    }
  };
  together(s.log.commit());
  std::vector<Issue*> signed_ones;
  for (auto& issue : issues) {
    if (!issue) continue;
    const auto status = s.sign_all(device_ca_key, *issue);
    if (status) {
      signed_ones.push_back(&*issue);
    } else {
      issue = tl::unexpected(status.error());
    }
  }
  together(s.write(signed_ones));
  for (auto& issue : issues) {
    if (issue) s.stage_issued(*issue);
  }
  together(s.log.commit());
  if (s.log_key != nullptr && s.log.lines_since_checkpoint() >= kLinesToCheckpoint) together(checkpoint());
  std::vector<Result<DeviceCertificates>> out;
  for (auto& issue : issues) {
    if (issue) {
      out.emplace_back(s.bundle(issue->serial, issue->entry.identity.ca, std::move(issue->identity),
                                std::move(issue->media_signing)));
    } else {
      out.emplace_back(tl::unexpected(issue.error()));
    }
  }
  return out;
}

bool Factory::was_issued_in(const ProvisionRequest& request, std::uint32_t batch) const {
  const auto& s = *state_;
  const auto* known = s.log.find(request.serial);
  if (known == nullptr || !known->issued || known->batch != batch) return false;
  const auto read = read_requests(request);
  return read && s.hash_of(read->identity.spki) == known->identity.key &&
         s.hash_of(read->media_signing.spki) == known->media_signing.key;
}

Result<DeviceCertificates> Factory::issued(std::string_view serial) const {
  const auto* entry = state_->log.find(serial);
  if (entry == nullptr || !entry->issued)
    return fail(Errc::not_found, "nothing was issued for this serial number");
  if (state_->is_revoked(*entry)) return fail(Errc::denied, "this serial number is revoked");
  return state_->read_issued(std::string(serial), *entry);
}

}  // namespace camvault::identity

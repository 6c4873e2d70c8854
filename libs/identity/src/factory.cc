#include "camvault/identity/factory.h"

#include <algorithm>

#include "factory_state.h"
#include "profile_folder.h"

namespace camvault::identity {

namespace fs = std::filesystem;
using crypto::Certificate;
using crypto::SigningKey;

namespace {
constexpr std::size_t kMaxProduct = 32;       // leaves room for the serial number in a CN of 64 bytes
constexpr std::size_t kMaxOrganization = 64;  // X.520 ub-organization-name
constexpr std::chrono::days kLongestValidity{36'500};

Result<CertificateNumber> random_number(const crypto::Engine& engine) {
  CertificateNumber number;
  engine.random(number.value);
  number.value[0] |= 0x40;  // always as long,
  number.value[0] &= 0x7f;  // and 16 bytes in DER too; 126 random bits are left
  return number;
}

Status check_settings(const FactorySettings& settings) {
  if (settings.organization.empty() || settings.organization.size() > kMaxOrganization) {
    return fail(Errc::usage, "an organization has 1 to 64 bytes");
  }
  if (settings.product.empty() || settings.product.size() > kMaxProduct) {
    return fail(Errc::usage, "a product name has 1 to 32 bytes");
  }
  const auto& validity = settings.media_signing_validity;
  if (validity && (validity->count() < 1 || *validity > kLongestValidity)) {
    return fail(Errc::usage, "a validity is 1 to 36500 days");
  }
  return ok();  // characters and object identifiers are checked where they are encoded
}

ProfileValues values_of(const FactorySettings& settings, std::string_view serial, std::string_view name) {
  return {settings.organization, settings.country,  settings.product,
          std::string(serial),   std::string(name), settings.module_type_oid};
}

// What people see in the CN of an authority.
std::string display_name(std::string_view profile, std::size_t which) {
  std::string name = profile == "device-ca"    ? "Device CA"
                     : profile == "matter-pai" ? "Matter PAI"
                                               : std::string(profile);
  return which == 1 ? name : name + " " + std::to_string(which);
}

Result<Certificate> issue_below(SigningKey& root_key, const Certificate& root, const CertificateRules& rules,
                                const ProfileValues& values, BytesView spki, Timestamp now,
                                const CertificateNumber& number) {
  CAM_TRY(const auto name, subject_of(rules, values));
  return crypto_openssl::issue_certificate(root_key, root, name, spki, profile_of(rules, values, now),
                                           number);
}
}  // namespace

Status check_is_key_of(const SigningKey& key, const Certificate& certificate, std::string_view what) {
  if (key.spki_der() == certificate.key->spki_der()) return ok();
  return fail(Errc::usage, "the key given is not that of the " + std::string(what));
}

Sha256 Factory::State::hash_of(BytesView bytes) const {
  Sha256 out;
  const auto digest = engine->digest(crypto::HashAlg::sha256, bytes);
  std::copy(digest.view().begin(), digest.view().end(), out.value.begin());
  return out;
}

ProfileValues Factory::State::values(std::string_view serial, std::string_view name) const {
  return values_of(settings, serial, name);
}

Result<const CertificateRules*> Factory::State::rules(std::string_view profile) const {
  const auto found = profiles.find(profile);
  if (found == profiles.end())
    return fail(Errc::not_found, "there is no profile of the name " + std::string(profile));
  return &found->second;
}

std::uint16_t Factory::State::issuing(std::string_view authority_profile) const {
  std::size_t last = 0;
  for (std::size_t i = 0; i < authorities.size(); ++i) {
    if (authorities[i].profile == authority_profile) last = i;
  }
  return static_cast<std::uint16_t>(last);
}

Result<std::uint16_t> Factory::State::usable_issuer(const SigningKey& key,
                                                    std::string_view authority_profile) const {
  const auto ca = issuing(authority_profile);
  if (authorities[ca].profile != authority_profile)
    return fail(Errc::not_found, "this factory has no " + std::string(authority_profile) +
                                     " (camvault factory authority makes one)");
  const auto* what = authority_profile == "device-ca" ? "device CA" : authorities[ca].stem.c_str();
  CAM_TRY_STATUS(check_is_key_of(key, authorities[ca].certificate, what));
  if (log.revoked_authority(ca) != nullptr)
    return refuse(Errc::denied, "revoked-authority", "the " + std::string(what) + " is revoked");
  return ca;
}

Result<CertificateNumber> Factory::State::new_number() const {
  for (;;) {  // twice only if the random number generator is broken
    CAM_TRY(auto number, random_number(*engine));
    if (!log.has_number(number)) return number;
  }
}

Factory::Factory(std::unique_ptr<State> state) : state_(std::move(state)) {}
Factory::~Factory() = default;
Factory::Factory(Factory&&) noexcept = default;
Factory& Factory::operator=(Factory&&) noexcept = default;

Result<Factory> Factory::init(const fs::path& folder, const FactorySettings& settings, SigningKey& root_key,
                              SigningKey& device_ca_key, const Clock& clock, const crypto::Engine& engine) {
  CAM_TRY_STATUS(check_settings(settings));
  CAM_TRY(const auto profiles, read_profiles(folder));
  const auto& root_rules = profiles.at("root-ca");
  const auto& ca_rules = profiles.at("device-ca");
  if (!allows_key(root_rules, root_key.alg()) || !allows_key(ca_rules, device_ca_key.alg())) {
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
    const auto of_root = values_of(settings, {}, {});
    const auto of_ca = values_of(settings, {}, display_name("device-ca", 1));
    const auto of_camera = values_of(settings, "0", {});
    CAM_TRY(const auto root_number, random_number(engine));
    CAM_TRY(const auto ca_number, random_number(engine));
    CAM_TRY(const auto root_name, subject_of(root_rules, of_root));
    CAM_TRY(const auto root, crypto_openssl::issue_self_signed(
                                 root_key, root_name, profile_of(root_rules, of_root, now), root_number));
    CAM_TRY(const auto device_ca,
            issue_below(root_key, root, ca_rules, of_ca, device_ca_key.spki_der(), now, ca_number));
    // Encoding a camera's certificate now finds settings that no camera could be provisioned with.
    CAM_TRY_STATUS(issue_below(device_ca_key, device_ca, profiles.at("idevid"), of_camera,
                               root_key.spki_der(), now, ca_number));
    CAM_TRY_STATUS(
        write_file_atomically(folder / kRootCaFile, as_bytes(crypto_openssl::certificate_pem(root))));
    CAM_TRY_STATUS(
        write_file_atomically(folder / kDeviceCaFile, as_bytes(crypto_openssl::certificate_pem(device_ca))));
    CAM_TRY_STATUS(write_profiles(folder));
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
  CAM_TRY(auto profiles, read_profiles(folder));
  CAM_TRY(auto root, read_certificate(engine, folder / kRootCaFile));
  CAM_TRY(auto log, IssueLog::open(folder / kIssueLogFile, engine));
  std::vector<Authority> authorities{{"device-ca", "device-ca", {}}};
  for (const auto& entry : log.authorities()) authorities.push_back({entry.profile, entry.stem, {}});
  for (auto& authority : authorities) {
    CAM_TRY(authority.certificate, read_certificate(engine, folder / (authority.stem + ".pem")));
    if (!engine.is_signed_by(authority.certificate, root))
      return fail(Errc::malformed, "the authority " + authority.stem + " is not of this root");
  }
  return Factory(std::unique_ptr<State>(new State{folder, std::move(lock), std::move(settings),
                                                  std::move(root), std::move(authorities),
                                                  std::move(profiles), std::move(log), &clock, &engine}));
}

const fs::path& Factory::folder() const {
  return state_->folder;
}
const FactorySettings& Factory::settings() const {
  return state_->settings;
}
const Certificate& Factory::root() const {
  return state_->root;
}
const Certificate& Factory::device_ca() const {
  return state_->device_ca();
}
const std::string& Factory::device_ca_name() const {
  return state_->authorities[state_->issuing("device-ca")].stem;
}
std::vector<std::string> Factory::serials() const {
  return state_->log.serials();
}

std::vector<std::string> Factory::authorities() const {
  std::vector<std::string> out;
  for (const auto& authority : state_->authorities) out.push_back(authority.stem);
  return out;
}

Result<std::string> Factory::authority_for(std::string_view profile) const {
  CAM_TRY(const auto* rules, state_->rules(profile));
  const auto& authority = state_->authorities[state_->issuing(rules->issuer)];
  if (authority.profile != rules->issuer)
    return fail(Errc::not_found,
                "this factory has no " + rules->issuer + " (camvault factory authority makes one)");
  return authority.stem;
}

std::string Factory::next_authority_name(std::string_view profile) const {
  std::size_t count = 1;
  for (const auto& authority : state_->authorities) count += authority.profile == profile ? 1u : 0u;
  return count == 1 ? std::string(profile) : std::string(profile) + "-" + std::to_string(count);
}

Result<std::string> Factory::add_authority(SigningKey& root_key, SigningKey& ca_key,
                                           std::string_view profile) {
  auto& s = *state_;
  constexpr std::size_t kMaxAuthorities = 256;
  CAM_TRY_STATUS(check_is_key_of(root_key, s.root, "root CA"));
  CAM_TRY(const auto* rules, s.rules(profile));
  if (!rules->ca || rules->issuer != "root-ca")
    return fail(Errc::usage, "the profile " + std::string(profile) + " is not that of an authority");
  if (!allows_key(*rules, ca_key.alg()))
    return fail(Errc::unsupported, "the profile wants another kind of key");
  if (s.authorities.size() == kMaxAuthorities) return fail(Errc::limit, "256 authorities");
  const auto spki = ca_key.spki_der();
  for (const auto& authority : s.authorities) {
    if (authority.certificate.key->spki_der() == spki)
      return fail(Errc::exists, authority.stem + " has this key");
  }
  if (spki == root_key.spki_der() || !s.log.serial_of_key(s.hash_of(spki)).empty())
    return fail(Errc::denied, "this key has another certificate");
  const auto stem = next_authority_name(profile);
  const auto number_of_kind = std::count_if(s.authorities.begin(), s.authorities.end(),
                                            [&](const Authority& each) { return each.profile == profile; });
  const auto values = s.values({}, display_name(profile, static_cast<std::size_t>(number_of_kind) + 1));
  const auto now = s.now();
  AuthorityEntry entry{std::string(profile), stem, {}};
  CAM_TRY(entry.certificate.number, s.new_number());
  CAM_TRY(auto certificate,
          issue_below(root_key, s.root, *rules, values, spki, now, entry.certificate.number));
  entry.certificate.key = s.hash_of(spki);
  entry.certificate.fingerprint = s.hash_of(certificate.der);
  CAM_TRY_STATUS(write_file_atomically(s.folder / (stem + ".pem"),
                                       as_bytes(crypto_openssl::certificate_pem(certificate))));
  CAM_TRY_STATUS(s.log.add_authority(entry, now));
  s.authorities.push_back({std::string(profile), stem, std::move(certificate)});
  return stem;
}

}  // namespace camvault::identity

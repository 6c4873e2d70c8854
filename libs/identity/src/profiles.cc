#include "profiles.h"

#include "camvault/attestation/module_evidence.h"
#include "camvault/crypto/extensions.h"

namespace camvault::identity {

using crypto_openssl::CertificateProfile;
using crypto_openssl::KeyUsage;
using crypto_openssl::SubjectName;

namespace {
constexpr std::size_t kMaxProduct = 32;       // leaves room for the serial number in a CN of 64 bytes
constexpr std::size_t kMaxOrganization = 64;  // X.520 ub-organization-name
constexpr std::chrono::days kLongestValidity{36'500};

SubjectName base_name(const FactorySettings& settings) {
  SubjectName name;
  name.country = settings.country;
  name.organization = settings.organization;
  return name;
}

CertificateProfile ca_profile(Timestamp now, std::uint8_t path_length) {
  CertificateProfile profile;
  profile.ca = true;
  profile.path_length = path_length;
  profile.key_usage = KeyUsage::key_cert_sign | KeyUsage::crl_sign;
  profile.not_before = now;
  profile.not_after = kNoEnd;  // an identity without end is worth nothing under a CA that ends
  return profile;
}

// CN is for people and its length is bounded; the serial number itself is in its own attribute.
std::string camera_name(const FactorySettings& settings, std::string_view serial, std::string_view suffix) {
  const auto full = settings.product + " " + std::string(serial) + std::string(suffix);
  return full.size() <= 64 ? full : settings.product + std::string(suffix);
}
}  // namespace

SubjectName root_name(const FactorySettings& settings) {
  auto name = base_name(settings);
  name.common_name = "Device Root CA";
  return name;
}

SubjectName device_ca_name(const FactorySettings& settings) {
  auto name = base_name(settings);
  name.common_name = "Device CA";
  return name;
}

SubjectName identity_name(const FactorySettings& settings, std::string_view serial) {
  auto name = base_name(settings);
  name.common_name = camera_name(settings, serial, "");
  name.device_serial = serial;
  return name;
}

SubjectName media_signing_name(const FactorySettings& settings, std::string_view serial) {
  auto name = base_name(settings);
  name.common_name = camera_name(settings, serial, " media signing");
  name.device_serial = serial;
  return name;
}

CertificateProfile root_profile(Timestamp now) {
  return ca_profile(now, 1);
}
CertificateProfile device_ca_profile(Timestamp now) {
  return ca_profile(now, 0);
}

CertificateProfile identity_profile(const FactorySettings& settings, std::string_view serial, Timestamp now) {
  // IEEE 802.1AR 8: subject with serialNumber, hardwareModuleName (8.10.3), no end (8.7); no extended key
  // usage, which would shut out uses that are not known yet.
  CertificateProfile profile;
  profile.key_usage = KeyUsage::digital_signature;
  profile.hardware_module =
      crypto_openssl::HardwareModuleName{settings.module_type_oid, to_bytes(as_bytes(serial))};
  profile.not_before = now;
  profile.not_after = kNoEnd;
  return profile;
}

CertificateProfile media_signing_profile(const FactorySettings& settings, Timestamp now, BytesView attester) {
  // ONVIF Media Signing asks for no extended key usage, and validators refuse chains with critical ones they
  // do not know. The key signs nothing but media; its certificate keeps the serial number that the verifier
  // shows.
  CertificateProfile profile;
  profile.key_usage = KeyUsage::digital_signature;
  profile.not_before = now;
  profile.not_after = settings.media_signing_validity ? now + *settings.media_signing_validity : kNoEnd;
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

SubjectName attester_name(const FactorySettings& settings, std::string_view serial, bool simulator) {
  auto name = base_name(settings);
  name.common_name = camera_name(settings, serial, simulator ? " SIMULATOR attest" : " attestation");
  name.device_serial = serial;
  return name;
}

CertificateProfile attester_profile(Timestamp now) {
  CertificateProfile profile;
  profile.key_usage = KeyUsage::digital_signature;
  profile.extended_key_usages = {std::string(attestation::kAttesterUsage)};
  profile.not_before = now;
  profile.not_after = kNoEnd;
  return profile;
}

bool is_allowed_key(crypto::KeyAlg alg) {
  return crypto::is_ecdsa(alg) || crypto::is_rsa(alg);
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

}  // namespace camvault::identity

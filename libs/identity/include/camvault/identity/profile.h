// What a certificate of a certain use says, as data: one TOML file for each profile (packaging/profiles,
// docs/factory.md). A profile that claims to follow a standard is held to its rules when it is loaded.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/time.h"
#include "camvault/crypto/key.h"
#include "camvault/crypto_openssl/issue.h"

namespace camvault::identity {

// 99991231235959Z: no end (IEEE 802.1AR 8.7).
inline const Timestamp kNoEnd = from_unix_seconds(253'402'300'799);

// Rules that a profile can claim to follow.
enum class ProfileRules : std::uint8_t {
  none,
  certificate_authority,  // RFC 5280 4.2.1.9
  ieee_802_1ar,           // IDevID: 8.2 .. 8.10 of IEEE 802.1AR-2018
  onvif_media_signing,
  attestation,  // signs statements about keys, nothing else
  matter_dac,   // Matter Core 6.2.2.3
  matter_pai,   // Matter Core 6.2.2.4
  c2pa,         // C2PA 2.1, 14.5.1
  tls,
  ocsp_responder,  // RFC 6960 4.2.2.2
  log_signer,
};

struct CertificateRules {
  std::string name;         // [a-z0-9-], 1 to 32: also the name of the file and of the use in the log
  std::string description;  // one line for people
  ProfileRules follows = ProfileRules::none;
  std::string issuer = "device-ca";  // which of the factory's authorities signs it; "root-ca" for authorities

  // Subject. "{product}", "{serial}" and "{name}" in texts are replaced; `short_common_name` is taken where
  // the other would be longer than 64 bytes.
  std::string common_name;
  std::string short_common_name;
  std::string organizational_unit;
  bool organization = true;  // O and C of the factory
  bool serial_number = true;
  std::string matter_vendor_id;  // four hex digits, upper case; empty: none
  std::string matter_product_id;

  std::optional<std::chrono::days> validity;  // none: no end
  std::vector<crypto::KeyAlg> key_types;      // that may have such a certificate

  bool ca = false;
  std::optional<std::uint8_t> path_length;
  crypto_openssl::KeyUsage key_usage = crypto_openssl::KeyUsage::digital_signature;
  std::vector<std::string> extended_key_usages;
  bool extended_key_usage_critical = false;
  bool hardware_module_name = false;
  std::vector<std::string> dns_names;
  bool ocsp_no_check = false;  // RFC 6960 4.2.2.2.1
  std::string masa_url;        // RFC 8995 2.3.2: "https://masa.example:9443"; empty: none
};

inline constexpr std::size_t kMaxProfileFile = 16 * 1024;

// Errc::malformed for what is no TOML or has keys that are not known, Errc::invalid if it breaks rules that
// it claims to follow, Errc::limit.
Result<CertificateRules> parse_profile(std::string_view toml);
// The profiles that Camvault brings, by name, and their texts.
const std::map<std::string, std::string, std::less<>>& built_in_profiles();

// What is put in place of the braces, and what a factory says of itself in all its certificates.
struct ProfileValues {
  std::string organization;
  std::string country;
  std::string product;
  std::string serial;           // of the camera; empty for authorities
  std::string name;             // of an authority: "Device CA"
  std::string module_type_oid;  // RFC 4108
};
// Errc::usage for values that are too long for a certificate.
Result<crypto_openssl::SubjectName> subject_of(const CertificateRules& rules, const ProfileValues& values);
crypto_openssl::CertificateProfile profile_of(const CertificateRules& rules, const ProfileValues& values,
                                              Timestamp now);
bool allows_key(const CertificateRules& rules, crypto::KeyAlg alg);

}  // namespace camvault::identity

#include "camvault/identity/profile.h"

#include <algorithm>

#include "camvault/voucher/signed_voucher.h"

namespace camvault::identity {

using crypto_openssl::CertificateProfile;
using crypto_openssl::KeyUsage;
using crypto_openssl::SubjectName;

namespace {
constexpr std::size_t kMaxCommonName = 64;  // X.520 ub-common-name
constexpr const char* kMatterVendor = "1.3.6.1.4.1.37244.2.1";
constexpr const char* kMatterProduct = "1.3.6.1.4.1.37244.2.2";

// Only what stood in braces in the file is replaced: a serial number or product that looks like a placeholder
// stays what it is.
std::string filled_in(std::string_view pattern, const ProfileValues& values) {
  std::string out;
  while (!pattern.empty()) {
    const auto open = pattern.find('{');
    out += pattern.substr(0, open);
    if (open == std::string_view::npos) break;
    pattern.remove_prefix(open);
    const auto end = std::min(pattern.find('}'), pattern.size() - 1) + 1;
    const auto name = pattern.substr(0, end);
    if (name == "{product}") {
      out += values.product;
    } else if (name == "{serial}") {
      out += values.serial;
    } else if (name == "{name}") {
      out += values.name;
    }
    pattern.remove_prefix(end);
  }
  return out;
}
}  // namespace

Result<SubjectName> subject_of(const CertificateRules& rules, const ProfileValues& values) {
  SubjectName name;
  if (rules.organization) {
    name.country = values.country;
    name.organization = values.organization;
  }
  name.organizational_unit = filled_in(rules.organizational_unit, values);
  name.common_name = filled_in(rules.common_name, values);
  if (name.common_name.size() > kMaxCommonName && !rules.short_common_name.empty())
    name.common_name = filled_in(rules.short_common_name, values);
  if (name.common_name.size() > kMaxCommonName)
    return fail(Errc::usage, "a common name longer than 64 bytes, by the profile " + rules.name);
  if (rules.serial_number) name.device_serial = values.serial;
  if (!rules.matter_vendor_id.empty()) name.further.push_back({kMatterVendor, rules.matter_vendor_id});
  if (!rules.matter_product_id.empty()) name.further.push_back({kMatterProduct, rules.matter_product_id});
  return name;
}

CertificateProfile profile_of(const CertificateRules& rules, const ProfileValues& values, Timestamp now) {
  CertificateProfile profile;
  profile.ca = rules.ca;
  profile.path_length = rules.path_length;
  profile.key_usage = rules.key_usage;
  profile.extended_key_usages = rules.extended_key_usages;
  profile.extended_key_usage_critical = rules.extended_key_usage_critical;
  if (rules.hardware_module_name)
    profile.hardware_module =
        crypto_openssl::HardwareModuleName{values.module_type_oid, to_bytes(as_bytes(values.serial))};
  for (const auto& name : rules.dns_names) profile.dns_names.push_back(filled_in(name, values));
  if (rules.ocsp_no_check)  // id-pkix-ocsp-nocheck, NULL
    profile.private_extensions.push_back(
        {{0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05}, {0x05, 0x00}});
  if (const auto masa = voucher::encode_masa_url(rules.masa_url))  // id-pe-masa-url; checked when it was read
    profile.private_extensions.push_back(
        {{0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x20}, *masa});
  profile.not_before = now;
  profile.not_after = rules.validity ? now + *rules.validity : kNoEnd;
  return profile;
}

bool allows_key(const CertificateRules& rules, crypto::KeyAlg alg) {
  return std::find(rules.key_types.begin(), rules.key_types.end(), alg) != rules.key_types.end();
}

}  // namespace camvault::identity

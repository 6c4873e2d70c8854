#include <algorithm>

#include "der.h"
#include "signed_object.h"

namespace camvault::crypto_openssl {

namespace {
constexpr std::size_t kMaxAttribute = 64;  // X.520 ub-common-name, ub-serial-number, ub-organization-name
constexpr std::size_t kMaxModuleSerial = 64;
constexpr std::size_t kMaxExtendedUsages = 16;
constexpr std::size_t kMaxFurtherAttributes = 4;
constexpr std::size_t kMaxAlternativeNames = 32;
constexpr std::size_t kMaxDnsName = 253;  // RFC 1035 2.3.4, as text

bool is_printable_string(std::string_view text) {  // X.680 41.4
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view(" '()+,-./:=?").find(c) != std::string_view::npos;
  });
}

// Well-formed UTF-8 without control characters.
bool is_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80                   ? 1
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
    if (size == 0 || i + size > text.size() || lead < 0x20 || lead == 0x7f) return false;
    char32_t code = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t k = 1; k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      code = (code << 6) | (next & 0x3fu);
    }
    const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    if (overlong || (code >= 0x80 && code < 0xa0) || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
      return false;
    i += size;
  }
  return true;
}

Status add_attribute(Bytes& out, std::string_view oid, std::string_view value, bool printable_only) {
  if (value.empty()) return ok();
  if (value.size() > kMaxAttribute) return fail(Errc::usage, "a name attribute is longer than 64 bytes");
  if (!is_text(value) || (printable_only && !is_printable_string(value))) {
    return fail(Errc::usage, "a name attribute holds characters that it may not hold");
  }
  CAM_TRY(const auto type, der::object_identifier(oid));
  const auto text = printable_only ? der::printable_string(value) : der::utf8_string(value);
  append(out, der::set(der::sequence({type, text})));
  return ok();
}

Status add_extension(Bytes& out, std::string_view oid, bool critical, BytesView value) {
  CAM_TRY(const auto type, der::object_identifier(oid));
  append(out, der::sequence({type, critical ? der::boolean_true() : Bytes(), der::octet_string(value)}));
  return ok();
}

Result<Bytes> hardware_module_name(const HardwareModuleName& module) {
  if (module.serial.empty() || module.serial.size() > kMaxModuleSerial) {
    return fail(Errc::usage, "a hardware module serial has 1 to 64 bytes");
  }
  CAM_TRY(const auto on_hardware_module_name, der::object_identifier("1.3.6.1.5.5.7.8.4"));
  CAM_TRY(const auto type, der::object_identifier(module.type_oid));
  const auto value = der::sequence({type, der::octet_string(module.serial)});
  // RFC 5280 4.2.1.6: otherName is [0] IMPLICIT SEQUENCE, its value [0] EXPLICIT.
  return der::explicit_tag(0, der::concat({on_hardware_module_name, der::explicit_tag(0, value)}));
}

bool is_dns_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxDnsName && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '*';
  });
}

// RFC 5280 4.2.1.6; empty if there is none.
Result<Bytes> alternative_names(const CertificateProfile& profile) {
  if (profile.dns_names.size() + profile.ip_addresses.size() > kMaxAlternativeNames)
    return fail(Errc::usage, "more than 32 names");
  Bytes out;
  if (profile.hardware_module) {
    CAM_TRY(out, hardware_module_name(*profile.hardware_module));
  }
  for (const auto& name : profile.dns_names) {
    if (!is_dns_name(name)) return fail(Errc::usage, "not a DNS name");
    append(out, der::element(0x82, as_bytes(name)));
  }
  for (const auto& address : profile.ip_addresses) {
    if (address.size() != 4 && address.size() != 16) return fail(Errc::usage, "not an IP address");
    append(out, der::element(0x87, address));
  }
  return out;
}
}  // namespace

Result<Bytes> encode_name(const SubjectName& name) {
  if (!name.country.empty() && name.country.size() != 2) return fail(Errc::usage, "a country is two letters");
  Bytes out;
  CAM_TRY_STATUS(add_attribute(out, "2.5.4.6", name.country, true));
  CAM_TRY_STATUS(add_attribute(out, "2.5.4.10", name.organization, false));
  CAM_TRY_STATUS(add_attribute(out, "2.5.4.11", name.organizational_unit, false));
  CAM_TRY_STATUS(add_attribute(out, "2.5.4.3", name.common_name, false));
  CAM_TRY_STATUS(add_attribute(out, "2.5.4.5", name.device_serial, true));
  if (name.further.size() > kMaxFurtherAttributes)
    return fail(Errc::usage, "more than 4 further attributes in a name");
  for (const auto& attribute : name.further) {
    CAM_TRY_STATUS(add_attribute(out, attribute.oid, attribute.value, false));
  }
  if (out.empty()) return fail(Errc::usage, "an empty subject name");
  return der::sequence({out});
}

Bytes authority_key_identifier(BytesView issuer_key_id) {
  const auto type = der::object_identifier("2.5.29.35").value();
  return der::sequence({type, der::octet_string(der::sequence({der::element(0x80, issuer_key_id)}))});
}

Result<Bytes> encode_extensions(const CertificateProfile& profile, BytesView subject_key_id,
                                BytesView issuer_key_id) {
  if (profile.path_length && (!profile.ca || *profile.path_length > 7)) {
    return fail(Errc::usage, "a path length of 0 to 7 is for CAs only");
  }
  if (profile.extended_key_usages.size() > kMaxExtendedUsages)
    return fail(Errc::usage, "more than 16 extended key usages");
  Bytes out;
  // DER leaves out what is the default: basicConstraints of a device is an empty SEQUENCE.
  const auto length = profile.path_length ? der::integer(std::uint64_t{*profile.path_length}) : Bytes();
  CAM_TRY_STATUS(add_extension(
      out, "2.5.29.19", true, profile.ca ? der::sequence({der::boolean_true(), length}) : der::sequence({})));
  CAM_TRY_STATUS(
      add_extension(out, "2.5.29.15", true, der::named_bits(static_cast<std::uint16_t>(profile.key_usage))));
  if (!profile.extended_key_usages.empty()) {
    Bytes usages;
    for (const auto& usage : profile.extended_key_usages) {
      CAM_TRY(const auto encoded, der::object_identifier(usage));
      append(usages, encoded);
    }
    CAM_TRY_STATUS(
        add_extension(out, "2.5.29.37", profile.extended_key_usage_critical, der::sequence({usages})));
  }
  CAM_TRY_STATUS(add_extension(out, "2.5.29.14", false, der::octet_string(subject_key_id)));
  append(out, authority_key_identifier(issuer_key_id));
  CAM_TRY(const auto names, alternative_names(profile));
  if (!names.empty()) CAM_TRY_STATUS(add_extension(out, "2.5.29.17", false, der::sequence({names})));
  if (profile.private_extensions.size() > 8) return fail(Errc::usage, "more than 8 private extensions");
  for (const auto& extension : profile.private_extensions)
    append(out, der::sequence({extension.oid, der::octet_string(extension.value)}));
  return der::explicit_tag(3, der::sequence({out}));
}

}  // namespace camvault::crypto_openssl

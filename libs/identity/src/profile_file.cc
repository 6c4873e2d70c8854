// Profiles as files.
#include <algorithm>

#include "camvault/settings/table.h"
#include "camvault/voucher/signed_voucher.h"
#include "profile_rules.h"

namespace camvault::identity {

using crypto_openssl::KeyUsage;
using settings::Table;

namespace {
constexpr std::size_t kMaxText = 256;
constexpr std::size_t kMaxList = 16;
constexpr std::int64_t kLongestValidity = 36'500;  // days

Status take(const Table& table, std::string_view key, std::string& out) {
  CAM_TRY_STATUS(table.read(key, out));
  if (out.size() > kMaxText) return table.wrong(key, "is a text of at most 256 bytes");
  return ok();
}

Status take(const Table& table, std::string_view key, std::vector<std::string>& out) {
  CAM_TRY_STATUS(table.read(key, out));
  if (out.size() > kMaxList) return table.wrong(key, "is a list of at most 16 texts");
  for (auto at = out.begin(); at != out.end(); ++at) {
    if (at->size() > kMaxText) return table.wrong(key, "is a list of texts of at most 256 bytes");
    if (std::find(out.begin(), at, *at) != at) return table.wrong(key, "names something twice");
  }
  return ok();
}

Result<Table> section(const Table& top, std::string_view name,
                      std::initializer_list<std::string_view> known) {
  CAM_TRY(auto table, top.table(name));
  if (!table) return top.wrong(name, "is missing");
  CAM_TRY_STATUS(table->only(known));
  return std::move(*table);
}

bool is_matter_id(std::string_view text) {
  return text.size() == 4 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
         });
}

// A brace that is no placeholder is a misspelled one.
bool has_unknown_placeholder(std::string text) {
  for (const std::string_view known : {"{product}", "{serial}", "{name}"}) {
    for (std::size_t at; (at = text.find(known)) != std::string::npos;) text.replace(at, known.size(), " ");
  }
  return text.find_first_of("{}") != std::string::npos;
}

Status read_subject(const Table& top, CertificateRules& out) {
  CAM_TRY(const auto table,
          section(top, "subject",
                  {"common_name", "short_common_name", "organizational_unit", "organization", "serial_number",
                   "matter_vendor_id", "matter_product_id"}));
  CAM_TRY_STATUS(take(table, "common_name", out.common_name));
  CAM_TRY_STATUS(take(table, "short_common_name", out.short_common_name));
  CAM_TRY_STATUS(take(table, "organizational_unit", out.organizational_unit));
  CAM_TRY_STATUS(table.read("organization", out.organization));
  CAM_TRY_STATUS(table.read("serial_number", out.serial_number));
  CAM_TRY_STATUS(take(table, "matter_vendor_id", out.matter_vendor_id));
  CAM_TRY_STATUS(take(table, "matter_product_id", out.matter_product_id));
  for (const auto* id : {&out.matter_vendor_id, &out.matter_product_id}) {
    if (!id->empty() && !is_matter_id(*id))
      return table.wrong("matter_vendor_id, matter_product_id", "are four hex digits, upper case");
  }
  for (const auto* text : {&out.common_name, &out.short_common_name, &out.organizational_unit}) {
    if (has_unknown_placeholder(*text))
      return table.wrong("common_name", "has placeholders {product}, {serial} and {name} only");
  }
  return ok();
}

Status read_validity(const Table& top, CertificateRules& out) {
  CAM_TRY(const auto table, section(top, "validity", {"days", "end"}));
  if (table.has("days") == table.has("end")) return table.wrong("days", "or an end = \"none\" is needed");
  if (table.has("end")) {
    std::string end;
    CAM_TRY_STATUS(table.read("end", end));
    if (end != "none") return table.wrong("end", "is \"none\"");
    return ok();
  }
  std::int64_t days = 0;
  CAM_TRY_STATUS(table.read_number("days", 1, kLongestValidity, days));
  out.validity = std::chrono::days(days);
  return ok();
}

Status read_key_usage(const Table& table, KeyUsage& out) {
  const std::pair<std::string_view, KeyUsage> known[] = {
      {"digital-signature", KeyUsage::digital_signature}, {"non-repudiation", KeyUsage::non_repudiation},
      {"key-encipherment", KeyUsage::key_encipherment},   {"key-agreement", KeyUsage::key_agreement},
      {"key-cert-sign", KeyUsage::key_cert_sign},         {"crl-sign", KeyUsage::crl_sign}};
  std::vector<std::string> names;
  CAM_TRY_STATUS(take(table, "key_usage", names));
  if (names.empty()) return table.wrong("key_usage", "is missing");
  out = static_cast<KeyUsage>(0);
  for (const auto& name : names) {
    const auto* const found = std::find_if(std::begin(known), std::end(known),
                                           [&](const auto& each) { return each.first == name; });
    if (found == std::end(known)) return table.wrong("key_usage", "names a usage that is not known");
    out = out | found->second;
  }
  return ok();
}

Status read_extensions(const Table& top, CertificateRules& out) {
  CAM_TRY(const auto table,
          section(top, "extensions",
                  {"ca", "path_length", "key_usage", "extended_key_usage", "extended_key_usage_critical",
                   "hardware_module_name", "dns_names", "ocsp_no_check", "masa_url"}));
  CAM_TRY_STATUS(table.read("ca", out.ca));
  if (table.has("path_length")) {
    std::int64_t length = 0;
    CAM_TRY_STATUS(table.read_number("path_length", 0, 7, length));
    out.path_length = static_cast<std::uint8_t>(length);
  }
  CAM_TRY_STATUS(read_key_usage(table, out.key_usage));
  CAM_TRY_STATUS(take(table, "extended_key_usage", out.extended_key_usages));
  CAM_TRY_STATUS(table.read("extended_key_usage_critical", out.extended_key_usage_critical));
  CAM_TRY_STATUS(table.read("hardware_module_name", out.hardware_module_name));
  CAM_TRY_STATUS(take(table, "dns_names", out.dns_names));
  CAM_TRY_STATUS(take(table, "masa_url", out.masa_url));
  if (!out.masa_url.empty() && !voucher::encode_masa_url(out.masa_url))
    return table.wrong("masa_url", "is https://HOST[:PORT], at most 120 characters");
  return table.read("ocsp_no_check", out.ocsp_no_check);
}

bool is_profile_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Status read_top(const Table& top, CertificateRules& out) {
  CAM_TRY_STATUS(top.only({"version", "name", "description", "follows", "issuer", "key_types", "subject",
                           "validity", "extensions"}));
  std::int64_t version = 0;
  CAM_TRY_STATUS(top.read_number("version", 0, 1'000'000, version));
  if (version != 1) return fail(Errc::unsupported, "a profile of another version than 1");
  CAM_TRY_STATUS(take(top, "name", out.name));
  CAM_TRY_STATUS(take(top, "description", out.description));
  CAM_TRY_STATUS(take(top, "issuer", out.issuer));
  if (!is_profile_name(out.name)) return top.wrong("name", "is 1 to 32 characters out of a-z, 0-9 and -");
  if (!is_profile_name(out.issuer)) return top.wrong("issuer", "is the name of an authority's profile");
  std::string follows = "none";
  CAM_TRY_STATUS(take(top, "follows", follows));
  CAM_TRY(out.follows, profile_rules_from_string(follows));
  std::vector<std::string> types;
  CAM_TRY_STATUS(take(top, "key_types", types));
  for (const auto& type : types) {
    const auto alg = crypto::key_alg_from_string(type);
    // Not Ed25519, which ONVIF Media Signing cannot name and many 802.1X authenticators do not know.
    if (!alg || *alg == crypto::KeyAlg::ed25519)
      return top.wrong("key_types", "names a kind of key that none is for");
    out.key_types.push_back(*alg);
  }
  return ok();
}

Result<CertificateRules> read(std::string_view text) {
  CAM_TRY(const auto top, Table::parse(as_bytes(text), "profile"));
  CertificateRules out;
  CAM_TRY_STATUS(read_top(top, out));
  CAM_TRY_STATUS(read_subject(top, out));
  CAM_TRY_STATUS(read_validity(top, out));
  CAM_TRY_STATUS(read_extensions(top, out));
  return out;
}
}  // namespace

Result<CertificateRules> parse_profile(std::string_view text) {
  if (text.size() > kMaxProfileFile) return fail(Errc::limit, "a profile longer than 16 KiB");
  auto out = read(text);
  // For the reader of settings it is the caller's mistake; here it is a file like any other.
  if (!out && out.error().code == Errc::usage) return fail(Errc::malformed, out.error().what);
  if (!out) return out;
  CAM_TRY_STATUS(check_rules(*out));
  return out;
}

}  // namespace camvault::identity

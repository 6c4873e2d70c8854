#include "profile_rules.h"

#include <algorithm>

#include "camvault/attestation/module_evidence.h"

namespace camvault::identity {

using crypto::KeyAlg;
using crypto_openssl::KeyUsage;

namespace {
constexpr const char* kAnyUsage = "2.5.29.37.0";
constexpr const char* kClientAuthentication = "1.3.6.1.5.5.7.3.2";
constexpr const char* kServerAuthentication = "1.3.6.1.5.5.7.3.1";
constexpr const char* kOcspSigning = "1.3.6.1.5.5.7.3.9";
constexpr const char* kClaimSigning = "1.3.6.1.4.1.62558.2.1";
constexpr const char* kDocumentSigning = "1.3.6.1.5.5.7.3.36";
constexpr std::chrono::days kLongestResponder{397};

bool has(KeyUsage set, KeyUsage one) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}
bool lists(const CertificateRules& rules, std::string_view usage) {
  return std::find(rules.extended_key_usages.begin(), rules.extended_key_usages.end(), usage) !=
         rules.extended_key_usages.end();
}
bool only_p256(const CertificateRules& rules) {
  return rules.key_types == std::vector<KeyAlg>{KeyAlg::ec_p256};
}

// The first rule that is broken; empty if none is.
std::string_view broken_by_any(const CertificateRules& r) {
  if (r.key_types.empty()) return "key_types names no kind of key";
  const bool signs_certificates =
      has(r.key_usage, KeyUsage::key_cert_sign) || has(r.key_usage, KeyUsage::crl_sign);
  if (r.ca && !has(r.key_usage, KeyUsage::key_cert_sign)) return "a CA has the key usage key-cert-sign";
  if (!r.ca && signs_certificates) return "only a CA signs certificates and lists (RFC 5280 4.2.1.3)";
  if (!r.ca && r.path_length) return "a path length is for CAs";
  if (r.ca && !r.path_length) return "a CA here has a path length";
  if (lists(r, kAnyUsage)) return "anyExtendedKeyUsage opens every door";
  if (r.issuer == "self" && r.name != "root-ca") return "only the root signs itself";
  if (r.ca && r.issuer == "device-ca") return "an authority is signed by the root";
  if (!r.matter_product_id.empty() && r.matter_vendor_id.empty()) return "a product id needs a vendor id";
  if (r.common_name.empty()) return "no common_name";
  if (!r.masa_url.empty() && !r.serial_number) return "masa_url is for devices";
  return {};
}

std::string_view broken(const CertificateRules& r) {
  const bool leaf = !r.ca;
  const bool only_signature = r.key_usage == KeyUsage::digital_signature;
  switch (r.follows) {
    case ProfileRules::none:
      return {};
    case ProfileRules::certificate_authority:
      if (!r.ca) return "certificate-authority: ca is true";
      if (!has(r.key_usage, KeyUsage::crl_sign)) return "certificate-authority: it signs its own lists";
      return {};
    case ProfileRules::ieee_802_1ar:
      if (!leaf || !r.serial_number) return "ieee-802.1ar: a device with a serialNumber (8.6)";
      if (!r.hardware_module_name) return "ieee-802.1ar: hardwareModuleName (8.10.3)";
      if (r.validity) return "ieee-802.1ar: no end (8.7)";
      if (!has(r.key_usage, KeyUsage::digital_signature)) return "ieee-802.1ar: digital-signature (8.10.4)";
      if (!r.extended_key_usages.empty())
        return "ieee-802.1ar: no extended key usage, which would shut out others";
      return {};
    case ProfileRules::onvif_media_signing:
      if (!leaf || !r.serial_number) return "onvif-media-signing: a device with a serialNumber";
      if (!only_signature) return "onvif-media-signing: digital-signature alone";
      if (!r.extended_key_usages.empty()) return "onvif-media-signing: no extended key usage";
      return {};
    case ProfileRules::attestation:
      if (!leaf || !only_signature) return "attestation: digital-signature alone";
      if (r.extended_key_usages != std::vector<std::string>{std::string(attestation::kAttesterUsage)})
        return "attestation: the extended key usage tcg-kp-AIKCertificate (2.23.133.8.3) alone";
      return {};
    case ProfileRules::matter_dac:
      if (!leaf || !only_signature) return "matter-dac: digital-signature alone";
      if (!only_p256(r)) return "matter-dac: ec-p256 keys";
      if (r.matter_vendor_id.empty() || r.matter_product_id.empty())
        return "matter-dac: a vendor id and a product id";
      if (!r.extended_key_usages.empty()) return "matter-dac: no extended key usage";
      if (r.issuer != "matter-pai") return "matter-dac: signed by matter-pai";
      return {};
    case ProfileRules::matter_pai:
      if (!r.ca || r.path_length != 0) return "matter-pai: a CA of path length 0";
      if (!only_p256(r)) return "matter-pai: ec-p256 keys";
      if (r.matter_vendor_id.empty()) return "matter-pai: a vendor id";
      return {};
    case ProfileRules::c2pa:
      if (!leaf || !has(r.key_usage, KeyUsage::digital_signature)) return "c2pa: digital-signature";
      if (!lists(r, kClaimSigning) && !lists(r, kDocumentSigning))
        return "c2pa: c2pa-kp-claimSigning or id-kp-documentSigning";
      if (lists(r, kOcspSigning)) return "c2pa: no OCSP signing beside it";
      return {};
    case ProfileRules::tls:
      if (!leaf || !has(r.key_usage, KeyUsage::digital_signature)) return "tls: digital-signature";
      if (!lists(r, kClientAuthentication) && !lists(r, kServerAuthentication))
        return "tls: the extended key usage of a client, a server or both";
      if (!r.validity) return "tls: an end";
      return {};
    case ProfileRules::ocsp_responder:
      if (!leaf || !has(r.key_usage, KeyUsage::digital_signature)) return "ocsp-responder: digital-signature";
      if (r.extended_key_usages != std::vector<std::string>{kOcspSigning})
        return "ocsp-responder: id-kp-OCSPSigning alone (RFC 6960 4.2.2.2)";
      if (r.ocsp_no_check && (!r.validity || *r.validity > kLongestResponder))
        return "ocsp-responder: nobody asks for its revocation, so that it ends within 397 days";
      return {};
    case ProfileRules::log_signer:
      if (!leaf || !r.extended_key_usages.empty()) return "log-signer: signs documents, nothing else";
      if (r.issuer != "root-ca")
        return "log-signer: signed by the root, since it watches the other authorities";
      return {};
  }
  return {};
}
}  // namespace

Result<ProfileRules> profile_rules_from_string(std::string_view text) {
  constexpr std::string_view kNames[] = {"none",         "certificate-authority",
                                         "ieee-802.1ar", "onvif-media-signing",
                                         "attestation",  "matter-dac",
                                         "matter-pai",   "c2pa",
                                         "tls",          "ocsp-responder",
                                         "log-signer"};
  const auto found = std::find(std::begin(kNames), std::end(kNames), text);
  if (found == std::end(kNames)) return fail(Errc::malformed, "follows names no rules that are known");
  return static_cast<ProfileRules>(found - std::begin(kNames));
}

Status check_rules(const CertificateRules& rules) {
  for (const auto what : {broken_by_any(rules), broken(rules)}) {
    if (!what.empty()) return fail(Errc::invalid, "profile " + rules.name + ": " + std::string(what));
  }
  return ok();
}

}  // namespace camvault::identity

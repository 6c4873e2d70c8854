#include "camvault/keystore/key_policy.h"

#include <algorithm>
#include <functional>

namespace camvault::keystore {

using crypto::HashAlg;
using crypto::SignatureScheme;

std::string_view to_string(Purpose purpose) {
  switch (purpose) {
    case Purpose::device_identity:
      return "device-identity";
    case Purpose::media_signing:
      return "media-signing";
    case Purpose::ca_signing:
      return "ca-signing";
    case Purpose::tls:
      return "tls";
    case Purpose::attestation:
      return "attestation";
    case Purpose::audit_signing:
      return "audit-signing";
    case Purpose::firmware_signing:
      return "firmware-signing";
    case Purpose::data_encryption:
      return "data-encryption";
    case Purpose::mac:
      return "mac";
    case Purpose::report_signing:
      return "report-signing";
    case Purpose::key_agreement:
      return "key-agreement";
    case Purpose::password:
      return "password";
    case Purpose::wifi_psk:
      return "wifi-psk";
    case Purpose::key_derivation:
      return "key-derivation";
    case Purpose::rollback_protection:
      return "rollback-protection";
    case Purpose::tls_psk:
      return "tls-psk";
  }
  return "?";
}

Result<Purpose> purpose_from_string(std::string_view text) {
  for (const auto purpose : kAllPurposes) {
    if (to_string(purpose) == text) return purpose;
  }
  return fail(
      Errc::usage,
      "unknown purpose; known are device-identity, media-signing, ca-signing, tls, attestation, "
      "audit-signing, firmware-signing, data-encryption, mac, report-signing, key-agreement, password, "
      "wifi-psk, key-derivation, rollback-protection and tls-psk");
}

bool suits(KeyType type, Purpose purpose) {
  switch (purpose) {
    case Purpose::data_encryption:
      return type == KeyType::aes_256;
    case Purpose::mac:
      return type == KeyType::hmac_sha256 || type == KeyType::secret;
    case Purpose::key_agreement:
      return is_agreement(type);
    case Purpose::password:
    case Purpose::wifi_psk:
    case Purpose::key_derivation:
    case Purpose::tls_psk:
      return type == KeyType::secret;
    case Purpose::rollback_protection:
      return type == KeyType::counter;
    case Purpose::device_identity:
    case Purpose::media_signing:
    case Purpose::ca_signing:
    case Purpose::tls:
    case Purpose::attestation:
    case Purpose::audit_signing:
    case Purpose::firmware_signing:
    case Purpose::report_signing:
      return is_signing(type);
  }
  return false;
}

bool serves_programs(Purpose purpose) {
  switch (purpose) {
    case Purpose::tls:
    case Purpose::device_identity:
    case Purpose::firmware_signing:
      return true;
    default:
      return false;
  }
}

namespace {
SchemeSet possible_schemes(KeyType type) {
  const auto alg = key_alg_of(type);
  if (!alg) return {};
  if (*alg == crypto::KeyAlg::ed25519) return {SignatureScheme::ed25519};
  if (crypto::is_rsa(*alg)) return {SignatureScheme::rsa_pss, SignatureScheme::rsa_pkcs1v15};
  return {SignatureScheme::ecdsa};
}

HashSet possible_hashes(KeyType type) {
  if (!is_signing(type) || type == KeyType::ed25519) return {};
  return {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512};
}
}  // namespace

KeyPolicy default_policy(KeyType type, Purpose purpose) {
  return {.purpose = purpose,
          .schemes = possible_schemes(type),
          .hashes = possible_hashes(type),
          .uids = {},
          .backup = false};
}

Status check_policy(KeyType type, const KeyPolicy& policy) {
  if (!suits(type, policy.purpose)) {
    return fail(Errc::usage, std::string("a key of type ") + std::string(to_string(type)) +
                                 " cannot serve the purpose " + std::string(to_string(policy.purpose)));
  }
  const auto schemes = possible_schemes(type);
  for (const auto scheme : {SignatureScheme::ecdsa, SignatureScheme::rsa_pss, SignatureScheme::rsa_pkcs1v15,
                            SignatureScheme::ed25519}) {
    if (policy.schemes.contains(scheme) && !schemes.contains(scheme)) {
      return fail(Errc::usage, "the policy names a signature scheme that the key type does not have");
    }
  }
  if (policy.schemes.empty() != schemes.empty())
    return fail(Errc::usage, "the policy names no signature scheme");
  const auto hashes = possible_hashes(type);
  if (policy.hashes.empty() != hashes.empty()) {
    return fail(Errc::usage,
                hashes.empty() ? "keys of this type sign no digests" : "the policy names no hash");
  }
  // AN13874 2.3, IEEE 802.1AR 6.1: an identity that is in two places is none. And a statement about modules
  // is worth nothing by a key that has left its own; a counter's value is not a thing to put back.
  if (policy.backup &&
      (policy.purpose == Purpose::device_identity || policy.purpose == Purpose::attestation ||
       policy.purpose == Purpose::rollback_protection))
    return fail(Errc::usage, "keys of that purpose never leave, in no backup");
  if (policy.uids.size() > kMaxPolicyUids) return fail(Errc::limit, "the policy names more than 16 uids");
  if (!std::is_sorted(policy.uids.begin(), policy.uids.end(), std::less_equal<>())) {
    return fail(Errc::usage, "the uids of a policy are ascending, each once");
  }
  return ok();
}

}  // namespace camvault::keystore

#include "revocation.h"

#include "certificate.h"

namespace camvault::crypto_openssl {

namespace {
constexpr std::size_t kMaxLists = 256;

using DistributionPoint = Owned<ISSUING_DIST_POINT, ISSUING_DIST_POINT_free>;

bool has_unknown_critical_extension(const X509_CRL* crl) {
  for (int at = -1; (at = X509_CRL_get_ext_by_critical(crl, 1, at)) >= 0;) {
    if (OBJ_obj2nid(X509_EXTENSION_get_object(X509_CRL_get_ext(crl, at))) != NID_issuing_distribution_point)
      return true;
  }
  return false;
}

// RFC 5280 5.2.5: what the list is about. Entries count unless they may be of other issuers' certificates;
// that it does not name a certificate means something only if it speaks of all of them, for all reasons.
struct Scope {
  bool usable = false;
  bool complete = false;
};

Scope scope_of(const X509_CRL* crl) {
  if (has_unknown_critical_extension(crl)) return {};  // a delta, for one
  int critical = -1;
  const DistributionPoint point(static_cast<ISSUING_DIST_POINT*>(
      X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, nullptr)));
  clear_errors();
  if (!point) return {critical == -1, critical == -1};  // none; or one that cannot be read
  if (point->indirectCRL > 0) return {};
  const bool partial = point->distpoint != nullptr || point->onlyuser > 0 || point->onlyCA > 0 ||
                       point->onlyattr > 0 || point->onlysomereasons != nullptr;
  return {true, !partial};
}

// RFC 5280 5.3.1: why, or unspecified (0) if it does not say.
long reason_of(const X509_REVOKED* entry) {
  const Owned<ASN1_ENUMERATED, ASN1_ENUMERATED_free> value(
      static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr)));
  return value ? ASN1_ENUMERATED_get(value.get()) : CRL_REASON_UNSPECIFIED;
}

// 5.3.2: from when on the certificate was known or suspected to be bad; may be before the CA heard of it.
Timestamp revoked_since(const X509_REVOKED* entry) {
  auto since = timestamp_of(X509_REVOKED_get0_revocationDate(entry)).value_or(Timestamp::min());
  const Owned<ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free> invalid(static_cast<ASN1_GENERALIZEDTIME*>(
      X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, nullptr, nullptr)));
  if (invalid) since = std::min(since, timestamp_of(invalid.get()).value_or(since));
  return since;
}
}  // namespace

bool is_compromise(long reason) {
  return reason == CRL_REASON_KEY_COMPROMISE || reason == CRL_REASON_CA_COMPROMISE ||
         reason == CRL_REASON_AA_COMPROMISE;
}

RevocationLists::RevocationLists(const std::vector<crypto::RevocationList>* lists) {
  if (lists == nullptr) return;
  for (const auto& list : *lists) {
    if (lists_.size() == kMaxLists) break;
    auto crl = crl_from_der(list.der);
    if (!crl) continue;
    const auto scope = scope_of(crl.get());
    if (scope.usable) lists_.push_back({std::move(crl), list.next_update, scope.complete, {}});
  }
}

bool RevocationLists::is_signed(List& list, const X509* issuer) {
  const auto [entry, is_new] = list.signed_by.try_emplace(issuer, false);
  if (is_new) {
    // RFC 5280 6.3.3 (f): the issuer may sign lists, if its key usage says what it may do.
    const bool may = (X509_get_key_usage(const_cast<X509*>(issuer)) & KU_CRL_SIGN) != 0;
    entry->second = may && X509_CRL_verify(list.crl.get(), X509_get0_pubkey(issuer)) == 1;
    clear_errors();
  }
  return entry->second;
}

Revocation RevocationLists::look_up(const X509* certificate, const X509* issuer, Timestamp at, bool proven) {
  Revocation result;
  for (auto& list : lists_) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(list.crl.get()), X509_get_issuer_name(certificate)) != 0) continue;
    if (!is_signed(list, issuer)) continue;
    // An old list still proves what it names, but not that nothing was added since.
    if (list.complete && (!list.next_update || *list.next_update >= at)) result.answered = true;
    X509_REVOKED* entry = nullptr;
    auto* serial = const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(certificate));
    // 2 = taken off the list again (removeFromCRL)
    if (X509_CRL_get0_by_serial(list.crl.get(), &entry, serial) != 1) continue;
    const auto reason = reason_of(entry);
    const auto since = revoked_since(entry);
    const bool compromised = is_compromise(reason);
    if ((!compromised || proven) && since > at) continue;
    if (!result.revoked || since < result.since) result.since = since;
    result.revoked = true;
    result.compromised |= compromised;
  }
  return result;
}

}  // namespace camvault::crypto_openssl

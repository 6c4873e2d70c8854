#include "ocsp.h"

#include <openssl/rsa.h>

#include <algorithm>

#include "certificate.h"
#include "path.h"
#include "public_key.h"
#include "signature_strength.h"

namespace camvault::crypto_openssl {

namespace {
constexpr std::size_t kMaxResponse = 1024 * 1024;  // real ones have 0.5 to 3 kB
constexpr int kMaxSingle = 64;                     // certificates that one response speaks about
constexpr int kMaxCertificates = 16;               // that came with it
constexpr std::size_t kMaxResponses = 256;
constexpr auto kClockSkew =
    std::chrono::minutes(5);  // between a responder and itself: producedAt is after thisUpdate

using OcspResp = Owned<OCSP_RESPONSE, OCSP_RESPONSE_free>;

OcspResp response_from_der(BytesView der) {
  clear_errors();
  const auto* cursor = der.data();
  OcspResp response(d2i_OCSP_RESPONSE(nullptr, &cursor, static_cast<long>(der.size())));
  clear_errors();
  if (!response || cursor != der.data() + der.size()) return nullptr;
  return response;
}

OcspBasic basic_of(OCSP_RESPONSE* response) {
  OcspBasic basic(OCSP_response_get1_basic(response));
  clear_errors();
  return basic;
}

// 4.2.1: what we must understand and do not makes a response worthless (RFC 5280 4.2 on critical extensions).
bool has_critical_extension(OCSP_BASICRESP* basic) {
  if (OCSP_BASICRESP_get_ext_by_critical(basic, 1, -1) >= 0) return true;
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    if (OCSP_SINGLERESP_get_ext_by_critical(OCSP_resp_get0(basic, i), 1, -1) >= 0) return true;
  }
  return false;
}

// 4.1.1: the issuer's name and key, hashed with an algorithm of the responder's choice. SHA-1 does no harm
// here: the response's signature is the issuer's, and it names its own certificates.
bool names(const OCSP_CERTID* id, const X509* certificate, const X509* issuer) {
  ASN1_OBJECT* algorithm = nullptr;
  if (OCSP_id_get0_info(nullptr, &algorithm, nullptr, nullptr, const_cast<OCSP_CERTID*>(id)) != 1)
    return false;
  const auto* hash = EVP_get_digestbyobj(algorithm);
  if (hash == nullptr) return false;
  const Owned<OCSP_CERTID, OCSP_CERTID_free> expected(OCSP_cert_to_id(hash, certificate, issuer));
  clear_errors();
  return expected && OCSP_id_cmp(expected.get(), id) == 0;
}

bool valid_at(const X509* certificate, Timestamp at) {
  const auto from = timestamp_of(X509_get0_notBefore(certificate));
  const auto until = timestamp_of(X509_get0_notAfter(certificate));
  return from && until && at >= *from && at < *until + std::chrono::seconds(1);
}

// 4.2.2.2: the issuer itself, or somebody whom this issuer, directly, gave the right to answer for it.
bool may_answer(X509* signer, const X509* issuer, Timestamp produced_at, RevocationLists& lists) {
  if (X509_cmp(signer, issuer) == 0) return true;
  auto* issuer_key = X509_get0_pubkey(issuer);
  const bool issued = X509_check_issued(const_cast<X509*>(issuer), signer) == X509_V_OK &&
                      X509_verify(signer, issuer_key) == 1;
  clear_errors();
  if (!issued || !is_strong_certificate_signature(signer)) return false;
  if ((X509_get_key_usage(signer) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0) return false;
  if (usage_of(signer, OBJ_nid2obj(NID_OCSP_sign)) != Usage::listed) return false;
  return valid_at(signer, produced_at) && !lists.look_up(signer, issuer, produced_at, false).revoked;
}
}  // namespace

Result<crypto::OcspResponse> ocsp_from_der(BytesView der) {
  if (der.size() > kMaxResponse) return fail(Errc::limit, "OCSP response longer than 1 MiB");
  const auto response = response_from_der(der);
  if (!response) return fail(Errc::malformed, "not an OCSP response");
  const int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return fail(Errc::unavailable,
                std::string("the OCSP responder answered: ") + OCSP_response_status_str(status));
  const auto basic = basic_of(response.get());
  if (!basic) return fail(Errc::unsupported, "an OCSP response that is not of the basic kind");
  const int count = OCSP_resp_count(basic.get());
  if (count < 1) return fail(Errc::malformed, "an OCSP response about nothing");
  if (count > kMaxSingle) return fail(Errc::limit, "an OCSP response about more than 64 certificates");
  if (sk_X509_num(OCSP_resp_get0_certs(basic.get())) > kMaxCertificates)
    return fail(Errc::limit, "an OCSP response with more than 16 certificates");
  crypto::OcspResponse out;
  out.der = to_bytes(der);
  CAM_TRY(out.produced_at, timestamp_of(OCSP_resp_get0_produced_at(basic.get())));
  out.certificates = static_cast<std::size_t>(count);
  return out;
}

OcspResponses::OcspResponses(const std::vector<crypto::OcspResponse>* responses) {
  if (responses == nullptr) return;
  for (const auto& given : *responses) {
    if (responses_.size() == kMaxResponses) break;
    const auto response = response_from_der(given.der);
    if (!response) continue;
    auto basic = basic_of(response.get());
    if (basic && !has_critical_extension(basic.get()))
      responses_.push_back({std::move(basic), given.produced_at, {}});
  }
}

bool OcspResponses::is_vouched_by(Response& response, const X509* issuer, RevocationLists& lists) {
  const auto [entry, is_new] = response.vouched_by.try_emplace(issuer, false);
  if (!is_new) return entry->second;
  auto* basic = response.basic.get();
  const X509Stack issuers(sk_X509_new_null());
  X509* signer = nullptr;
  if (!issuers || sk_X509_push(issuers.get(), const_cast<X509*>(issuer)) <= 0) return false;
  if (!is_strong_signature(OCSP_resp_get0_tbs_sigalg(basic))) return false;
  if (OCSP_resp_get0_signer(basic, &signer, issuers.get()) != 1 || signer == nullptr) {
    clear_errors();
    return false;
  }
  const auto* key = X509_get0_pubkey(signer);
  // OpenSSL checks the signature alone here; who may sign is ours, as times are.
  entry->second = key != nullptr && key_alg_of(key).has_value() &&
                  may_answer(signer, issuer, response.produced_at, lists) &&
                  OCSP_basic_verify(basic, issuers.get(), nullptr, OCSP_NOVERIFY) == 1;
  clear_errors();
  return entry->second;
}

Revocation OcspResponses::look_up(const X509* certificate, const X509* issuer, Timestamp at, bool proven,
                                  RevocationLists& lists) {
  Revocation result;
  for (auto& response : responses_) {
    for (int i = 0; i < OCSP_resp_count(response.basic.get()); ++i) {
      auto* single = OCSP_resp_get0(response.basic.get(), i);
      if (!names(OCSP_SINGLERESP_get0_id(single), certificate, issuer)) continue;
      if (!is_vouched_by(response, issuer, lists)) break;
      int reason = -1;
      ASN1_GENERALIZEDTIME* revoked_at = nullptr;
      ASN1_GENERALIZEDTIME* this_update = nullptr;
      ASN1_GENERALIZEDTIME* next_update = nullptr;
      const int status = OCSP_single_get0_status(single, &reason, &revoked_at, &this_update, &next_update);
      if (this_update == nullptr) continue;
      const auto from = timestamp_of(this_update);
      // A statement from the future of its own making is none.
      if (!from || *from > response.produced_at + kClockSkew) continue;
      if (status == V_OCSP_CERTSTATUS_GOOD) {
        // Not revoked when it was made, so not before either; and until the next update, by the responder's
        // word. 2.2: about a certificate that had expired by then, responders may have forgotten.
        const auto until = next_update == nullptr ? *from : timestamp_of(next_update).value_or(*from);
        result.answered |= at <= std::max(*from, until) && valid_at(certificate, *from);
      } else if (status == V_OCSP_CERTSTATUS_REVOKED && revoked_at != nullptr) {
        const auto since = timestamp_of(revoked_at).value_or(Timestamp::min());
        const bool compromised = is_compromise(reason);
        result.answered |= at <= *from;  // it knew of everything until then
        if ((!compromised || proven) && since > at) continue;
        if (!result.revoked || since < result.since) result.since = since;
        result.revoked = true;
        result.compromised |= compromised;
      }  // "unknown" is no answer
    }
  }
  return result;
}

}  // namespace camvault::crypto_openssl

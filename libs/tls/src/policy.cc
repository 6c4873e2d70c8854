#include "camvault/tls/policy.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "x509.h"

namespace camvault::tls {

using crypto::PathVerdict;

namespace {
// RFC 9525: no names in the subject, a wildcard is one whole label.
constexpr unsigned kNameFlags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

bool is_for(X509* x509, const std::string& name) {
  if (is_ip_address(name)) return X509_check_ip_asc(x509, name.c_str(), 0) == 1;
  return X509_check_host(x509, name.c_str(), name.size(), kNameFlags, nullptr) == 1;
}

// An extended key usage that is there must allow the role, also in the CAs above (an IDevID has none: IEEE
// 802.1AR 8.10).
bool may_be(const std::vector<crypto::Certificate>& path, Role role) {
  const int purpose = role == Role::server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool is_anchor = i + 1 == path.size() && i > 0;
    if (is_anchor) continue;
    const auto x509 = x509_of(path[i]);
    const bool good = x509 != nullptr && X509_check_purpose(x509.get(), purpose, i == 0 ? 0 : 1) == 1;
    ERR_clear_error();
    if (!good) return false;
  }
  return true;
}

// Before `not_earlier_than` the clock has no say about beginnings.
Timestamp judged_at(const Policy& policy, const crypto::Certificate& leaf, Timestamp now) {
  if (now >= policy.not_earlier_than) return now;
  return std::max(policy.not_earlier_than, leaf.not_before);
}
}  // namespace

Judgement judge(const crypto::Engine& engine, const Policy& policy, Role role,
                const std::vector<crypto::Certificate>& chain, const std::string& name, Timestamp now) {
  Judgement out;
  if (chain.empty()) {
    out.reason = "There is no certificate.";
    return out;
  }
  const auto& leaf = chain.front();
  const std::vector<crypto::Certificate> above(chain.begin() + 1, chain.end());
  crypto::PathRequest request;
  request.leaf = &leaf;
  request.intermediates = &above;
  request.anchors = &policy.anchors;
  request.crls = &policy.crls;
  request.ocsp = &policy.ocsp;
  request.at = judged_at(policy, leaf, now);
  auto path = engine.validate_path(request);
  out.verdict = path.verdict;
  out.reason = std::move(path.reason);
  if (out.verdict != PathVerdict::trusted) return out;
  if (leaf.is_ca) {
    out.verdict = PathVerdict::not_permitted;
    out.reason = "The certificate is a certificate authority's, and no peer's.";
  } else if (!may_be(path.path, role)) {
    out.verdict = PathVerdict::not_permitted;
    out.reason =
        std::string("The certificate is not for TLS ") + (role == Role::server ? "servers." : "clients.");
  } else if (policy.revocation_required && !path.revocation_checked) {
    out.verdict = PathVerdict::revoked;
    out.reason = "Nobody says whether the certificate was revoked, which the policy wants to know.";
  } else if (role == Role::server) {
    const auto x509 = x509_of(leaf);
    out.another_name = name.empty() || x509 == nullptr || !is_for(x509.get(), name);
    ERR_clear_error();
    if (out.another_name) out.reason = "The certificate is not for the name that was asked for.";
  }
  if (out.good()) out.path = std::move(path.path);
  return out;
}

}  // namespace camvault::tls

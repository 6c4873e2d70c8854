#include "path.h"

#include <algorithm>
#include <array>

#include "certificate.h"
#include "ocsp.h"
#include "revocation.h"

namespace camvault::crypto_openssl {

using crypto::Certificate;
using crypto::PathRequest;
using crypto::PathResult;
using crypto::PathVerdict;

namespace {
constexpr std::size_t kMaxPath = 8;  // leaf to anchor; real ones have 2 to 4
constexpr std::size_t kMaxIntermediates = 64;
constexpr int kMaxSignatureChecks = 256;  // bounds what a set of certificates with equal names can cost
constexpr int kMaxPathsJudged = 16;
constexpr int kSecurityLevel = 2;  // 112 bits, NIST SP 800-57 part 1

struct Node {
  const Certificate* cert = nullptr;
  X509Cert x509;
};
using Path = std::vector<const Node*>;

std::string name_of(const Certificate& cert) {
  constexpr std::size_t kShown = 200;
  return "\"" + (cert.subject.size() > kShown ? cert.subject.substr(0, kShown) + "..." : cert.subject) + "\"";
}

PathResult verdict(PathVerdict value, std::string reason) {
  PathResult result;
  result.verdict = value;
  result.reason = std::move(reason);
  return result;
}

PathVerdict verdict_of(int error) {
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      return PathVerdict::no_anchor;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return PathVerdict::bad_signature;
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_INVALID_PURPOSE:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
    case X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE:
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
    case X509_V_ERR_SUBTREE_MINMAX:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
    case X509_V_ERR_INVALID_NON_CA:
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return PathVerdict::not_permitted;
    default:
      return PathVerdict::malformed;
  }
}

// Runs of certificates that were found good. A clip is judged at its first and at its last moment, an archive
// holds many clips of one camera, and each judgement cost four signatures. Compares objects, which
// x509_from_der() gives out again and again; those that are kept here cannot make room for others.
class KnownGood {
 public:
  bool has(const std::vector<X509*>& run) const {
    return std::any_of(runs_.begin(), runs_.end(), [&](const auto& known) {
      return std::equal(known.begin(), known.end(), run.begin(), run.end(),
                        [](const X509Cert& a, const X509* b) { return a.get() == b; });
    });
  }
  void remember(const std::vector<X509*>& run) {
    auto& oldest = runs_[next_++ % runs_.size()];
    oldest.clear();
    for (auto* x509 : run) {
      if (X509_up_ref(x509) == 1) oldest.emplace_back(x509);
    }
    if (oldest.size() != run.size()) oldest.clear();
  }

 private:
  std::array<std::vector<X509Cert>, 8> runs_;
  std::size_t next_ = 0;
};

// The issuer's key made the certificate's signature.
bool made_by(const Node& certificate, const Node& issuer) {
  thread_local KnownGood good;
  const std::vector<X509*> run = {certificate.x509.get(), issuer.x509.get()};
  if (good.has(run)) return true;
  if (X509_verify(certificate.x509.get(), X509_get0_pubkey(issuer.x509.get())) != 1) return false;
  good.remember(run);
  return true;
}

// Hands OpenSSL exactly this path: constraints, usages, names, critical extensions, strength. Signatures were
// checked while building, times are ours (X509_verify_cert thinks in time_t and stops at the year 9999).
PathResult check_constraints(const Path& path) {
  std::vector<X509*> certificates;
  for (const auto* node : path) certificates.push_back(node->x509.get());
  thread_local KnownGood acceptable;  // nothing here hangs on the time or on what was revoked
  if (acceptable.has(certificates)) return verdict(PathVerdict::trusted, {});
  const X509Store store(X509_STORE_new());
  const X509StoreCtx context(X509_STORE_CTX_new());
  const X509Stack untrusted(sk_X509_new_null());
  if (!store || !context || !untrusted || X509_STORE_add_cert(store.get(), path.back()->x509.get()) != 1) {
    return verdict(PathVerdict::malformed, "The path could not be checked: out of memory.");
  }
  for (std::size_t i = 1; i + 1 < path.size(); ++i) {
    if (sk_X509_push(untrusted.get(), path[i]->x509.get()) <= 0) {
      return verdict(PathVerdict::malformed, "The path could not be checked: out of memory.");
    }
  }
  if (X509_STORE_CTX_init(context.get(), store.get(), path.front()->x509.get(), untrusted.get()) != 1) {
    return verdict(PathVerdict::malformed, "The path could not be checked: out of memory.");
  }
  auto* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
  X509_VERIFY_PARAM_set_auth_level(param, kSecurityLevel);
  X509_VERIFY_PARAM_set_depth(param, static_cast<int>(kMaxPath));
  const bool good = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  const auto depth = static_cast<std::size_t>(std::max(0, X509_STORE_CTX_get_error_depth(context.get())));
  clear_errors();
  if (!good) {
    return verdict(verdict_of(error),
                   "The certificate " + name_of(*path[std::min(depth, path.size() - 1)]->cert) +
                       " is not acceptable here: " + X509_verify_cert_error_string(error) + ".");
  }
  // RFC 5280 6.1.4 (k), for every version 3 issuer. OpenSSL is content with key usage alone.
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (!path[i]->cert->is_ca && X509_get_version(path[i]->x509.get()) == X509_VERSION_3) {
      return verdict(PathVerdict::not_permitted,
                     "The certificate " + name_of(*path[i]->cert) + " issued another one but is not a CA.");
    }
  }
  acceptable.remember(certificates);
  return verdict(PathVerdict::trusted, {});
}

PathResult check_times(const Path& path, Timestamp at) {
  for (const auto* node : path) {
    const auto& cert = *node->cert;
    if (at < cert.not_before) {
      return verdict(PathVerdict::not_yet_valid, "The certificate " + name_of(cert) +
                                                     " was valid only from " + to_iso8601(cert.not_before) +
                                                     " on, not at " + to_iso8601(at) + ".");
    }
    // RFC 5280 4.1.2.5: notAfter is included, to the end of its second. IEEE 802.1AR 8.7: year 9999 has no
    // end.
    const bool endless = cert.not_after == from_unix_seconds(253'402'300'799);
    if (!endless && at >= cert.not_after + std::chrono::seconds(1)) {
      return verdict(PathVerdict::expired, "The certificate " + name_of(cert) + " expired at " +
                                               to_iso8601(cert.not_after) + ", before " + to_iso8601(at) +
                                               ".");
    }
  }
  return verdict(PathVerdict::trusted, {});
}

PathResult check_usage(const Path& path, bool leaf_signs, const std::string& required_eku) {
  const auto& leaf = *path.front();
  // RFC 5280 4.2.1.3: a key that signs anything but certificates and lists needs one of these, if the
  // extension is there.
  const auto usage = X509_get_key_usage(leaf.x509.get());
  if (leaf_signs && !leaf.cert->is_ca && (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0) {
    return verdict(PathVerdict::not_permitted,
                   "The key usage of " + name_of(*leaf.cert) + " does not allow digital signatures.");
  }
  if (required_eku.empty()) return verdict(PathVerdict::trusted, {});
  const Owned<ASN1_OBJECT, ASN1_OBJECT_free> wanted(OBJ_txt2obj(required_eku.c_str(), 1));
  if (!wanted)
    return verdict(PathVerdict::malformed, "The extended key usage asked for is not an object identifier.");
  if (usage_of(leaf.x509.get(), wanted.get()) != Usage::listed) {
    return verdict(PathVerdict::not_permitted, "The certificate " + name_of(*leaf.cert) +
                                                   " lacks the extended key usage " + required_eku + ".");
  }
  // Not in RFC 5280, but everybody's practice: a CA restricted to other usages cannot give this one.
  for (std::size_t i = 1; i + 1 < path.size(); ++i) {
    if (usage_of(path[i]->x509.get(), wanted.get()) == Usage::not_listed) {
      return verdict(PathVerdict::not_permitted, "The CA " + name_of(*path[i]->cert) +
                                                     " may not issue for the extended key usage " +
                                                     required_eku + ".");
    }
  }
  return verdict(PathVerdict::trusted, {});
}

// What lists and responders say, taken together: one "revoked" is enough.
Revocation merged(const Revocation& a, const Revocation& b) {
  Revocation out = a;
  out.answered |= b.answered;
  out.compromised |= b.compromised;
  if (b.revoked && (!a.revoked || b.since < a.since)) out.since = b.since;
  out.revoked |= b.revoked;
  return out;
}

PathResult check_revocation(const Path& path, RevocationLists& lists, OcspResponses& responses, Timestamp at,
                            bool proven) {
  auto result = verdict(PathVerdict::trusted, {});
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const auto* subject = path[i]->x509.get();
    const auto* issuer = path[i + 1]->x509.get();
    const auto found = merged(lists.look_up(subject, issuer, at, proven),
                              responses.look_up(subject, issuer, at, proven, lists));
    if (i == 0) result.revocation_checked = found.answered || found.revoked;
    if (!found.revoked) continue;
    result.verdict = PathVerdict::revoked;
    result.reason =
        "The certificate " + name_of(*path[i]->cert) + " was revoked at " + to_iso8601(found.since) +
        (found.compromised
             ? " because its key was compromised, which counts at any time that no time stamp proves."
             : ".");
    return result;
  }
  return result;
}

// Finds paths by name and signature, depth first, trying anchors before intermediates, and judges each whole
// path.
class PathSearch {
 public:
  PathSearch(const PathRequest& request, const Node& leaf, const std::vector<Node>& intermediates,
             const std::vector<Node>& anchors)
      : request_(request),
        intermediates_(intermediates),
        anchors_(anchors),
        lists_(request.crls),
        responses_(request.ocsp) {
    path_.push_back(&leaf);
  }

  PathResult run() {
    extend();
    return std::move(best_);
  }

 private:
  // True: nothing more to look for.
  bool extend() {
    const auto& last = *path_.back();
    for (const auto& anchor : anchors_) {
      if (equal(anchor.cert->der, last.cert->der) && judge()) return true;
    }
    if (path_.size() == kMaxPath) {
      note(PathVerdict::no_anchor,
           "No anchor was reached within 8 certificates from " + name_of(*path_[0]->cert) + ".");
      return false;
    }
    bool forged = false;
    bool found = false;
    for (const auto* pool : {&anchors_, &intermediates_}) {
      for (const auto& issuer : *pool) {
        if (in_path(issuer) || !could_have_issued(issuer, last)) continue;
        if (++signature_checks_ > kMaxSignatureChecks) return true;
        if (!made_by(last, issuer)) {
          clear_errors();
          forged = true;
          continue;
        }
        found = true;
        path_.push_back(&issuer);
        const bool done = pool == &anchors_ ? judge() : extend();
        path_.pop_back();
        if (done) return true;
      }
    }
    if (!found) explain_end(last, forged);
    return false;
  }

  void explain_end(const Node& last, bool forged) {
    const auto name = name_of(*last.cert);
    const bool self_signed =
        X509_NAME_cmp(X509_get_subject_name(last.x509.get()), X509_get_issuer_name(last.x509.get())) == 0;
    if (forged) {
      note(PathVerdict::bad_signature,
           "The signature on the certificate " + name + " was not made by its issuer.");
    } else if (self_signed) {
      note(PathVerdict::no_anchor,
           "The certificate " + name + " is self-signed and not among the trusted ones.");
    } else {
      note(PathVerdict::no_anchor,
           "The issuer of the certificate " + name + " is neither there nor trusted.");
    }
  }

  static bool could_have_issued(const Node& issuer, const Node& subject) {
    const int answer = X509_check_issued(issuer.x509.get(), subject.x509.get());
    clear_errors();
    return answer == X509_V_OK ||
           answer == X509_V_ERR_KEYUSAGE_NO_CERTSIGN;  // the latter is refused with its reason
  }

  bool in_path(const Node& node) const {
    return std::any_of(path_.begin(), path_.end(),
                       [&](const Node* n) { return equal(n->cert->der, node.cert->der); });
  }

  // Why the search failed: the longest chain says most, a judged path more than any end.
  void note(PathVerdict value, std::string reason) {
    if (judged_ > 0 || path_.size() <= noted_depth_) return;
    noted_depth_ = path_.size();
    best_ = verdict(value, std::move(reason));
  }

  bool judge() {
    auto result = check_constraints(path_);
    if (result.verdict == PathVerdict::trusted)
      result = check_revocation(path_, lists_, responses_, request_.at, request_.at_is_proven);
    const bool checked = result.revocation_checked;
    if (result.verdict == PathVerdict::trusted) result = check_times(path_, request_.at);
    if (result.verdict == PathVerdict::trusted)
      result = check_usage(path_, request_.leaf_signs, request_.required_eku);
    result.revocation_checked = checked;
    const bool trusted = result.verdict == PathVerdict::trusted;
    if (trusted) {
      for (const auto* node : path_) result.path.push_back(*node->cert);
      result.reason = "The chain leads to the trusted " + name_of(*path_.back()->cert) + ".";
    }
    if (trusted || judged_ == 0) best_ = std::move(result);
    return ++judged_ >= kMaxPathsJudged || trusted;
  }

  const PathRequest& request_;
  const std::vector<Node>& intermediates_;
  const std::vector<Node>& anchors_;
  RevocationLists lists_;
  OcspResponses responses_;
  Path path_;
  PathResult best_ = verdict(PathVerdict::no_anchor, "No chain to a trusted certificate was found.");
  std::size_t noted_depth_ = 0;
  int judged_ = 0;
  int signature_checks_ = 0;
};

// Certificates that do not parse here cannot have come from our parser; they are left out.
std::vector<Node> nodes_of(const std::vector<Certificate>* certificates, std::size_t limit) {
  std::vector<Node> out;
  if (certificates == nullptr) return out;
  for (const auto& cert : *certificates) {
    if (out.size() == limit) break;
    auto x509 = x509_from_der(cert.der);
    if (x509) out.push_back({&cert, std::move(x509)});
  }
  return out;
}
}  // namespace

Usage usage_of(const X509* x509, const ASN1_OBJECT* wanted) {
  int critical = -1;
  const Owned<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> list(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(x509, NID_ext_key_usage, &critical, nullptr)));
  clear_errors();
  if (!list) return critical == -1 ? Usage::unrestricted : Usage::not_listed;
  auto result = Usage::not_listed;
  for (int i = 0; i < sk_ASN1_OBJECT_num(list.get()); ++i) {
    const auto* usage = sk_ASN1_OBJECT_value(list.get(), i);
    if (OBJ_cmp(usage, wanted) == 0) return Usage::listed;
    if (OBJ_obj2nid(usage) == NID_anyExtendedKeyUsage) result = Usage::any;
  }
  return result;
}

PathResult validate_path(const PathRequest& request) {
  if (request.leaf == nullptr) return verdict(PathVerdict::malformed, "There is no certificate to judge.");
  const Node leaf{request.leaf, x509_from_der(request.leaf->der)};
  if (!leaf.x509) return verdict(PathVerdict::malformed, "The certificate is not an X.509 certificate.");
  const auto anchors = nodes_of(request.anchors, SIZE_MAX);
  if (anchors.empty()) return verdict(PathVerdict::no_anchor, "No trusted certificate was given.");
  if (request.intermediates != nullptr && request.intermediates->size() > kMaxIntermediates) {
    return verdict(PathVerdict::malformed, "More than 64 intermediate certificates came with it.");
  }
  const auto intermediates = nodes_of(request.intermediates, kMaxIntermediates);
  return PathSearch(request, leaf, intermediates, anchors).run();
}

bool is_signed_by(const Certificate& certificate, const Certificate& issuer) {
  const auto subject = x509_from_der(certificate.der);
  const auto signer = x509_from_der(issuer.der);
  const bool good = subject && signer && X509_verify(subject.get(), X509_get0_pubkey(signer.get())) == 1;
  clear_errors();
  return good;
}

}  // namespace camvault::crypto_openssl

#include "time_stamp.h"

#include <openssl/cms.h>
#include <openssl/ess.h>
#include <openssl/ts.h>

#include <algorithm>

#include "certificate.h"
#include "path.h"
#include "public_key.h"
#include "signature_strength.h"

namespace camvault::crypto_openssl {

using crypto::TimeStampCheck;
using crypto::TimeStampResult;
using crypto::TimeStampVerdict;

namespace {
constexpr int kMaxCertificates = 16;  // that came with the token
constexpr const char* kTimeStamping = "1.3.6.1.5.5.7.3.8";
constexpr auto kSigningTimeSlack = std::chrono::hours(1);
constexpr long kMaxAccuracySeconds = 366L * 86400;  // an authority that knows the year at least

inline void free_x509_certificates(STACK_OF(X509) * stack) {
  sk_X509_pop_free(stack, X509_free);
}
using Cms = Owned<CMS_ContentInfo, CMS_ContentInfo_free>;
using TstInfo = Owned<TS_TST_INFO, TS_TST_INFO_free>;
using Certificates = Owned<STACK_OF(X509), free_x509_certificates>;
using EssV1 = Owned<ESS_SIGNING_CERT, ESS_SIGNING_CERT_free>;
using EssV2 = Owned<ESS_SIGNING_CERT_V2, ESS_SIGNING_CERT_V2_free>;

tl::unexpected<Error> invalid(std::string why) {
  return fail(Errc::invalid, std::move(why));
}

BytesView view_of(const ASN1_STRING* text) {
  return {ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string dotted(const ASN1_OBJECT* object) {
  char text[128];
  const int size = object == nullptr ? 0 : OBJ_obj2txt(text, sizeof text, object, 1);
  return size > 0 && size < static_cast<int>(sizeof text) ? std::string(text, static_cast<std::size_t>(size))
                                                          : std::string();
}

// 2.4.2: GeneralizedTime, UTC, seconds and as many decimals as the authority likes; ours end at 100 ns.
Result<Timestamp> gen_time(const ASN1_GENERALIZEDTIME* time) {
  const auto bad = [] {
    return fail(Errc::malformed, "the time in the token is not in the form of RFC 3161");
  };
  if (time == nullptr) return bad();
  const auto text = as_text(view_of(time));
  const auto digits = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (text.size() < 15 || text.size() > 32 || text.back() != 'Z' || !digits(text.substr(0, 14))) return bad();
  auto fraction = text.substr(14, text.size() - 15);
  if (!fraction.empty()) {
    if (fraction.size() < 2 || fraction[0] != '.' || !digits(fraction.substr(1))) return bad();
    fraction = fraction.substr(0, 8);
  }
  const auto part = [&](std::size_t at, std::size_t count) { return std::string(text.substr(at, count)); };
  return from_iso8601(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(8, 2) + ":" +
                      part(10, 2) + ":" + part(12, 2) + std::string(fraction) + "Z");
}

Result<std::optional<Ticks>> accuracy_of(const TS_TST_INFO* info) {
  auto* accuracy = TS_TST_INFO_get_accuracy(const_cast<TS_TST_INFO*>(info));
  if (accuracy == nullptr) return std::optional<Ticks>();
  const auto number = [](const ASN1_INTEGER* value) {
    return value == nullptr ? 0L : ASN1_INTEGER_get(value);
  };
  const long seconds = number(TS_ACCURACY_get_seconds(accuracy));
  const long milliseconds = number(TS_ACCURACY_get_millis(accuracy));
  const long microseconds = number(TS_ACCURACY_get_micros(accuracy));
  clear_errors();
  if (seconds < 0 || seconds > kMaxAccuracySeconds || milliseconds < 0 || milliseconds > 999 ||
      microseconds < 0 || microseconds > 999) {
    return fail(Errc::malformed, "the accuracy in the token makes no sense");
  }
  return std::optional<Ticks>(std::chrono::seconds(seconds) + std::chrono::milliseconds(milliseconds) +
                              std::chrono::microseconds(microseconds));
}

// A token taken apart. Everything in it is somebody's claim until `check` has gone through.
struct Token {
  Cms cms;
  TstInfo info;
  CMS_SignerInfo* signer = nullptr;  // of cms
  Certificates certificates;         // that came with it
  X509* certificate = nullptr;       // the signer's, of `certificates`
};

Result<Token> read_token(BytesView der) {
  if (der.size() > crypto::kMaxTimeStampToken) return fail(Errc::limit, "the token is longer than 64 KiB");
  Token token;
  const auto* cursor = der.data();
  token.cms.reset(d2i_CMS_ContentInfo(nullptr, &cursor, static_cast<long>(der.size())));
  if (!token.cms || cursor != der.data() + der.size() ||
      OBJ_obj2nid(CMS_get0_type(token.cms.get())) != NID_pkcs7_signed)
    return fail(Errc::malformed, "this is no time stamp token");
  if (OBJ_obj2nid(CMS_get0_eContentType(token.cms.get())) != NID_id_smime_ct_TSTInfo)
    return fail(Errc::malformed, "the token is signed data of another kind than a time stamp");
  auto* const* content = CMS_get0_content(token.cms.get());
  if (content == nullptr || *content == nullptr) return fail(Errc::malformed, "the token is empty");
  const auto bytes = view_of(*content);
  const auto* at = bytes.data();
  token.info.reset(d2i_TS_TST_INFO(nullptr, &at, static_cast<long>(bytes.size())));
  if (!token.info || at != bytes.data() + bytes.size())
    return fail(Errc::malformed, "what the token says cannot be read");
  if (TS_TST_INFO_get_version(token.info.get()) != 1)
    return fail(Errc::unsupported, "a token of another version");
  // 2.4.2: only the authority signs.
  auto* signers = CMS_get0_SignerInfos(token.cms.get());
  if (signers == nullptr || sk_CMS_SignerInfo_num(signers) != 1)
    return fail(Errc::malformed, "a token has one signature");
  token.signer = sk_CMS_SignerInfo_value(signers, 0);
  token.certificates.reset(CMS_get1_certs(token.cms.get()));
  const int count = token.certificates ? sk_X509_num(token.certificates.get()) : 0;
  if (count > kMaxCertificates) return fail(Errc::limit, "the token came with more than 16 certificates");
  for (int i = 0; i < count && token.certificate == nullptr; ++i) {
    auto* candidate = sk_X509_value(token.certificates.get(), i);
    if (CMS_SignerInfo_cert_cmp(token.signer, candidate) == 0) token.certificate = candidate;
  }
  return token;
}

// What it was made for: nothing may differ from what was asked.
Status check_content(const TimeStampCheck& check, const Token& token) {
  auto* imprint = TS_TST_INFO_get_msg_imprint(token.info.get());
  const X509_ALGOR* algorithm = TS_MSG_IMPRINT_get_algo(imprint);
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  const int wanted = check.hash == crypto::HashAlg::sha256   ? NID_sha256
                     : check.hash == crypto::HashAlg::sha384 ? NID_sha384
                                                             : NID_sha512;
  if (OBJ_obj2nid(object) != wanted || !equal(view_of(TS_MSG_IMPRINT_get_msg(imprint)), check.imprint.view()))
    return invalid("the token was made for something else");
  if (check.nonce) {
    const auto* nonce = TS_TST_INFO_get_nonce(token.info.get());
    const BigNumber expected(BN_bin2bn(check.nonce->data(), static_cast<int>(check.nonce->size()), nullptr));
    const BigNumber found(nonce == nullptr ? nullptr : ASN1_INTEGER_to_BN(nonce, nullptr));
    if (!expected || !found || BN_cmp(expected.get(), found.get()) != 0)
      return invalid("the token does not answer this request: its nonce is another one");
  }
  if (!check.policy.empty() && dotted(TS_TST_INFO_get_policy_id(token.info.get())) != check.policy)
    return invalid("the token was made under another policy than the one asked for");
  // 2.4.2: extensions that must be understood and are not make the token worthless.
  if (TS_TST_INFO_get_ext_by_critical(token.info.get(), 1, -1) >= 0)
    return invalid("the token has a critical extension that is not known here");
  return ok();
}

template <class Ess, class Read>
Ess signing_certificate_attribute(CMS_SignerInfo* signer, int nid, Read read) {
  // -3: there once, with one value
  const auto* value = static_cast<const ASN1_STRING*>(
      CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(nid), -3, V_ASN1_SEQUENCE));
  if (value == nullptr) return nullptr;
  const auto* at = ASN1_STRING_get0_data(value);
  return Ess(read(nullptr, &at, ASN1_STRING_length(value)));
}

// RFC 3161 2.4.2, RFC 5816: the signature names the certificate it was made with, so that nobody exchanges
// it.
bool names_its_certificate(const Token& token) {
  const auto v1 = signing_certificate_attribute<EssV1>(token.signer, NID_id_smime_aa_signingCertificate,
                                                       d2i_ESS_SIGNING_CERT);
  const auto v2 = signing_certificate_attribute<EssV2>(token.signer, NID_id_smime_aa_signingCertificateV2,
                                                       d2i_ESS_SIGNING_CERT_V2);
  const X509Stack chain(sk_X509_new_null());
  if (!chain || sk_X509_push(chain.get(), token.certificate) <= 0) return false;
  for (int i = 0; i < sk_X509_num(token.certificates.get()); ++i) {
    auto* other = sk_X509_value(token.certificates.get(), i);
    if (other != token.certificate && sk_X509_push(chain.get(), other) <= 0) return false;
  }
  return OSSL_ESS_check_signing_certs(v1.get(), v2.get(), chain.get(), 1) > 0;
}

Status check_signature(const Token& token) {
  if (token.certificate == nullptr)
    return invalid("the token came without the certificate it was signed with");
  EVP_PKEY* key = nullptr;
  X509* unused = nullptr;
  X509_ALGOR* digest = nullptr;
  X509_ALGOR* signature = nullptr;
  CMS_SignerInfo_get0_algs(token.signer, &key, &unused, &digest, &signature);
  const ASN1_OBJECT* signature_object = nullptr;
  X509_ALGOR_get0(&signature_object, nullptr, nullptr, signature);
  const bool plain_rsa = OBJ_obj2nid(signature_object) == NID_rsaEncryption;  // the hash is the digest's
  if (!is_strong_hash(digest) || !(plain_rsa || is_strong_signature(signature)))
    return invalid("the token is signed with an algorithm that is not safe");
  const auto* public_key = X509_get0_pubkey(token.certificate);
  if (public_key == nullptr || !key_alg_of(public_key))
    return invalid("the authority's key is of a kind that is not taken");
  if (CMS_signed_get_attr_count(token.signer) <= 0) return invalid("the token has no signed attributes");
  const Bio out(BIO_new(BIO_s_mem()));
  // Who the signer is, is judged by our own path validation at the token's time.
  constexpr unsigned kFlags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;
  if (!out || CMS_verify(token.cms.get(), nullptr, nullptr, nullptr, out.get(), kFlags) != 1)
    return invalid("the token's signature does not verify");
  if (!names_its_certificate(token)) return invalid("the token's signature was made for another certificate");
  // 2.3: a certificate for stamping is for nothing else, and says so in a critical extension.
  if (X509_check_purpose(token.certificate, X509_PURPOSE_TIMESTAMP_SIGN, 0) != 1)
    return invalid(
        "the token's signer may not make time stamps: the certificate is not for that, or not for that "
        "alone");
  return ok();
}

// RFC 5652 11.3, if the authority says it: when it signed. A token that disagrees with itself is none.
Status check_signing_time(const Token& token, Timestamp time) {
  const auto* utc = static_cast<const ASN1_TIME*>(
      CMS_signed_get0_data_by_OBJ(token.signer, OBJ_nid2obj(NID_pkcs9_signingTime), -3, V_ASN1_UTCTIME));
  const auto* generalized = static_cast<const ASN1_TIME*>(CMS_signed_get0_data_by_OBJ(
      token.signer, OBJ_nid2obj(NID_pkcs9_signingTime), -3, V_ASN1_GENERALIZEDTIME));
  const auto* value = utc != nullptr ? utc : generalized;
  if (value == nullptr) return ok();
  const auto signed_at = timestamp_of(value);
  if (!signed_at || *signed_at > time + kSigningTimeSlack || *signed_at < time - kSigningTimeSlack)
    return invalid("the token was signed at another time than the one it states");
  return ok();
}

// The chain at the token's time.
void judge_path(const TimeStampCheck& check, const Token& token, TimeStampResult& result) {
  const auto leaf = certificate_from_der(der_of(token.certificate, i2d_X509));
  if (!leaf) {
    result.verdict = TimeStampVerdict::malformed;
    result.reason = "the authority's certificate cannot be read: " + leaf.error().what;
    return;
  }
  result.authority = leaf->common_name.empty() ? leaf->subject : leaf->common_name;
  result.fingerprint = leaf->sha256;
  std::vector<crypto::Certificate> intermediates;
  for (int i = 0; i < sk_X509_num(token.certificates.get()); ++i) {
    auto* other = sk_X509_value(token.certificates.get(), i);
    if (other == token.certificate) continue;
    auto certificate = certificate_from_der(der_of(other, i2d_X509));
    if (certificate) intermediates.push_back(std::move(*certificate));
  }
  crypto::PathRequest request;
  request.leaf = &*leaf;
  request.intermediates = &intermediates;
  request.anchors = check.anchors;
  request.crls = check.crls;
  request.ocsp = check.ocsp;
  request.at = *result.time;
  request.required_eku = kTimeStamping;
  const auto path = validate_path(request);
  result.revocation_checked = path.revocation_checked;
  result.verdict =
      path.verdict == crypto::PathVerdict::trusted ? TimeStampVerdict::trusted : TimeStampVerdict::untrusted;
  result.reason = path.reason;
}

Status fill_in(const TimeStampCheck& check, const Token& token, TimeStampResult& result) {
  CAM_TRY(result.time, gen_time(TS_TST_INFO_get_time(token.info.get())));
  CAM_TRY(result.accuracy, accuracy_of(token.info.get()));
  result.policy = dotted(TS_TST_INFO_get_policy_id(token.info.get()));
  result.serial = to_hex(view_of(TS_TST_INFO_get_serial(token.info.get())));
  CAM_TRY_STATUS(check_content(check, token));
  CAM_TRY_STATUS(check_signature(token));
  return check_signing_time(token, *result.time);
}
}  // namespace

TimeStampResult check_time_stamp(const TimeStampCheck& check) {
  clear_errors();
  TimeStampResult result;
  const auto token = read_token(check.token);
  const auto status = token ? fill_in(check, *token, result) : Status(tl::unexpected(token.error()));
  clear_errors();
  if (!status) {
    result.verdict =
        status.error().code == Errc::invalid ? TimeStampVerdict::invalid : TimeStampVerdict::malformed;
    result.reason = status.error().what;
    return result;
  }
  judge_path(check, *token, result);
  return result;
}

}  // namespace camvault::crypto_openssl

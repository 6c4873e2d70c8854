#include <openssl/ocsp.h>

#include <algorithm>

#include "camvault/crypto_openssl/ocsp.h"
#include "certificate.h"

namespace camvault::crypto_openssl {

namespace {
constexpr int kMaxResponders = 8;
constexpr std::size_t kMaxUrl = 2048;

inline void free_urls(STACK_OF(OPENSSL_STRING) * urls) {
  X509_email_free(urls);
}
}  // namespace

Result<Bytes> encode_ocsp_request(const crypto::Certificate& certificate, const crypto::Certificate& issuer) {
  const auto subject = x509_from_der(certificate.der);
  const auto by = x509_from_der(issuer.der);
  if (!subject || !by) return fail(Errc::malformed, "not an X.509 certificate");
  if (X509_NAME_cmp(X509_get_issuer_name(subject.get()), X509_get_subject_name(by.get())) != 0)
    return fail(Errc::usage, "the issuer given did not issue the certificate");
  const Owned<OCSP_REQUEST, OCSP_REQUEST_free> request(OCSP_REQUEST_new());
  Owned<OCSP_CERTID, OCSP_CERTID_free> id(OCSP_cert_to_id(EVP_sha1(), subject.get(), by.get()));
  if (!request || !id || OCSP_request_add0_id(request.get(), id.get()) == nullptr) {
    clear_errors();
    return fail(Errc::internal, "the OCSP request could not be made");
  }
  static_cast<void>(id.release());  // the request's now
  return der_of(request.get(), i2d_OCSP_REQUEST);
}

std::vector<std::string> ocsp_responders_of(const crypto::Certificate& certificate) {
  std::vector<std::string> out;
  const auto x509 = x509_from_der(certificate.der);
  if (!x509) return out;
  const Owned<STACK_OF(OPENSSL_STRING), free_urls> urls(X509_get1_ocsp(x509.get()));
  clear_errors();
  const int count = urls ? sk_OPENSSL_STRING_num(urls.get()) : 0;
  for (int i = 0; i < std::min(count, kMaxResponders); ++i) {
    const std::string url = sk_OPENSSL_STRING_value(urls.get(), i);
    const bool printable = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (printable && url.size() <= kMaxUrl) out.push_back(url);
  }
  return out;
}

}  // namespace camvault::crypto_openssl

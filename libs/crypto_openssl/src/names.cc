#include "camvault/crypto_openssl/names.h"

#include "ossl.h"

namespace camvault::crypto_openssl {

namespace {
std::string one_line(const X509_NAME* name) {
  const Owned<char, free_ossl_memory> text(X509_NAME_oneline(name, nullptr, 0));
  return text ? std::string(text.get()) : std::string();
}
}  // namespace

Result<OneLineNames> one_line_names(BytesView certificate_der) {
  const auto* cursor = certificate_der.data();
  const X509Cert certificate(d2i_X509(nullptr, &cursor, static_cast<long>(certificate_der.size())));
  clear_errors();
  if (!certificate) return fail(Errc::malformed, "not a certificate");
  return OneLineNames{one_line(X509_get_subject_name(certificate.get())),
                      one_line(X509_get_issuer_name(certificate.get()))};
}

}  // namespace camvault::crypto_openssl

#include "camvault/crypto_openssl/certificate_extensions.h"

#include <openssl/x509v3.h>

#include "certificate.h"
#include "path.h"

namespace camvault::crypto_openssl {

namespace {
using Object = Owned<ASN1_OBJECT, ASN1_OBJECT_free>;

Object object_of(std::string_view oid) {
  Object out(OBJ_txt2obj(std::string(oid).c_str(), 1));
  clear_errors();
  return out;
}

Bytes content_of(const ASN1_STRING* text) {
  if (text == nullptr) return {};
  return to_bytes({ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))});
}
}  // namespace

std::optional<Bytes> extension_value(const crypto::Certificate& certificate, std::string_view oid) {
  const auto x509 = x509_from_der(certificate.der);
  const auto object = object_of(oid);
  const int at = x509 && object ? X509_get_ext_by_OBJ(x509.get(), object.get(), -1) : -1;
  if (at < 0) return std::nullopt;
  return content_of(X509_EXTENSION_get_data(X509_get_ext(x509.get(), at)));
}

bool lists_key_usage(const crypto::Certificate& certificate, std::string_view usage_oid) {
  const auto x509 = x509_from_der(certificate.der);
  const auto object = object_of(usage_oid);
  return x509 && object && usage_of(x509.get(), object.get()) == Usage::listed;
}

Bytes subject_key_id(const crypto::Certificate& certificate) {
  const auto x509 = x509_from_der(certificate.der);
  return x509 ? content_of(X509_get0_subject_key_id(x509.get())) : Bytes();
}

Bytes authority_key_id(const crypto::Certificate& certificate) {
  const auto x509 = x509_from_der(certificate.der);
  return x509 ? content_of(X509_get0_authority_key_id(x509.get())) : Bytes();
}

}  // namespace camvault::crypto_openssl

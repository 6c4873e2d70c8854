#include "camvault/crypto_openssl/certificate_extensions.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

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

bool key_id_is_of_key(const crypto::Certificate& certificate) {
  constexpr std::size_t kShortest = 20;
  const auto x509 = x509_from_der(certificate.der);
  const auto id = x509 ? content_of(X509_get0_subject_key_id(x509.get())) : Bytes();
  if (id.size() < kShortest || certificate.key == nullptr) return false;
  const auto& spki = certificate.key->spki_der();
  const auto* bits = X509_get0_pubkey_bitstr(x509.get());
  const std::array<BytesView, 2> said = {
      BytesView(ASN1_STRING_get0_data(bits), static_cast<std::size_t>(ASN1_STRING_length(bits))),
      BytesView(spki)};
  const std::array<const EVP_MD*, 4> digests = {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
  return std::any_of(said.begin(), said.end(), [&](BytesView text) {
    return std::any_of(digests.begin(), digests.end(), [&](const EVP_MD* digest) {
      std::array<std::uint8_t, EVP_MAX_MD_SIZE> value{};
      unsigned size = 0;
      return EVP_Digest(text.data(), text.size(), value.data(), &size, digest, nullptr) == 1 &&
             id.size() <= size && std::equal(id.begin(), id.end(), value.begin());
    });
  });
}

}  // namespace camvault::crypto_openssl

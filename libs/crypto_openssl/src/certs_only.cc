#include <openssl/pkcs7.h>

#include "camvault/crypto_openssl/issue.h"
#include "certificate.h"
#include "der.h"

namespace camvault::crypto_openssl {

namespace {
constexpr std::size_t kMaxSize = 64 * 1024;
constexpr int kMaxCertificates = 32;
}  // namespace

Bytes encode_certs_only(const std::vector<crypto::Certificate>& certificates) {
  const auto data = der::object_identifier("1.2.840.113549.1.7.1").value();
  const auto signed_data = der::object_identifier("1.2.840.113549.1.7.2").value();
  Bytes all;
  for (const auto& certificate : certificates) append(all, certificate.der);
  const auto content = der::sequence({der::integer(std::uint64_t{1}), der::set({}), der::sequence({data}),
                                      der::element(0xa0, all), der::set({})});
  return der::sequence({signed_data, der::explicit_tag(0, content)});
}

Result<std::vector<crypto::Certificate>> read_certs_only(BytesView der) {
  if (der.size() > kMaxSize) return fail(Errc::limit, "PKCS#7 longer than 64 KiB");
  const auto* cursor = der.data();
  const Owned<PKCS7, PKCS7_free> message(d2i_PKCS7(nullptr, &cursor, static_cast<long>(der.size())));
  clear_errors();
  if (!message || cursor != der.data() + der.size() || PKCS7_type_is_signed(message.get()) == 0 ||
      message->d.sign == nullptr)
    return fail(Errc::malformed, "not PKCS#7 with certificates");
  const auto* list = message->d.sign->cert;
  const int count = list == nullptr ? 0 : sk_X509_num(list);
  if (count > kMaxCertificates) return fail(Errc::limit, "more than 32 certificates");
  std::vector<crypto::Certificate> out;
  for (int i = 0; i < count; ++i) {
    CAM_TRY(auto certificate, certificate_from_der(der_of(sk_X509_value(list, i), i2d_X509)));
    out.push_back(std::move(certificate));
  }
  return out;
}

}  // namespace camvault::crypto_openssl

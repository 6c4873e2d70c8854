// What EST carries: base64 bodies, CSR attributes, PKCS#7 with certificates, PKCS#10 requests. Laws:
// attributes that are read are written and read as the same, a request that is taken proves its key, and
// bodies survive their way.
#include "camvault/crypto_openssl/issue.h"
#include "camvault/enrolment/est.h"
#include "fuzz.h"

namespace {

using namespace camvault;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: the length of the first attribute's identifier is believed.
unsigned planted_oid(BytesView der) {
  if (der.size() < 4 || der[0] != 0x30 || der[2] != 0x06) return 0;
  return der.data()[3u + der[3]];
}
#endif

void attributes(BytesView der) {
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_oid(der));
#endif
  const auto read = enrolment::read_csr_attributes(der);
  if (!read) return;
  const auto again = enrolment::read_csr_attributes(enrolment::encode_csr_attributes(*read));
  law(again && again->others == read->others && again->challenge_password == read->challenge_password,
      "attributes read as they were written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  law(enrolment::decode_body(as_bytes(enrolment::encode_body(input))).value_or(Bytes{}) == to_bytes(input) ||
          size > enrolment::kMaxEstBody / 2,
      "bodies survive");
  const auto decoded = enrolment::decode_body(input);
  for (const auto der : {input, decoded ? BytesView(*decoded) : BytesView()}) {
    attributes(der);
    const auto certificates = crypto_openssl::read_certs_only(der);
    if (certificates) law(certificates->size() <= 32, "the limit of certificates");
    const auto request = crypto_openssl::read_certificate_request(der);
    if (request)
      law(request->key != nullptr && request->challenge_password.size() <= 255, "a request has a key");
  }
  return 0;
}

#include "camvault/crypto_openssl/ocsp_answer.h"

#include <openssl/ocsp.h>

#include "certificate.h"
#include "der.h"
#include "digest.h"
#include "signed_object.h"

namespace camvault::crypto_openssl {

namespace {
using OcspRequest = Owned<OCSP_REQUEST, OCSP_REQUEST_free>;
using OcspId = Owned<OCSP_CERTID, OCSP_CERTID_free>;

Bytes oid(std::string_view dotted) {  // only literals of this file come here
  return der::object_identifier(dotted).value();
}

bool is_of(const OCSP_CERTID* id, const X509* issuer) {
  ASN1_OBJECT* algorithm = nullptr;
  auto* unchanged = const_cast<OCSP_CERTID*>(id);
  if (OCSP_id_get0_info(nullptr, &algorithm, nullptr, nullptr, unchanged) != 1) return false;
  const auto* hash = EVP_get_digestbyobj(algorithm);
  if (hash == nullptr) return false;
  const OcspId expected(
      OCSP_cert_id_new(hash, X509_get_subject_name(issuer), X509_get0_pubkey_bitstr(issuer), nullptr));
  return expected && OCSP_id_issuer_cmp(expected.get(), id) == 0;
}

Bytes number_of(const OCSP_CERTID* id) {
  ASN1_INTEGER* number = nullptr;
  if (OCSP_id_get0_info(nullptr, nullptr, nullptr, &number, const_cast<OCSP_CERTID*>(id)) != 1) return {};
  const BigNumber value(ASN1_INTEGER_to_BN(number, nullptr));
  if (!value || BN_is_negative(value.get())) return {};
  Bytes out(static_cast<std::size_t>(BN_num_bytes(value.get())));
  BN_bn2bin(value.get(), out.data());
  return out;
}

// The nonce; an unknown critical extension is a question that we do not understand (4.4).
Result<Bytes> nonce_of(OCSP_REQUEST* request) {
  Bytes nonce;
  for (int i = 0; i < OCSP_REQUEST_get_ext_count(request); ++i) {
    auto* extension = OCSP_REQUEST_get_ext(request, i);
    const auto* value = X509_EXTENSION_get_data(extension);
    if (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) == NID_id_pkix_OCSP_Nonce) {
      nonce = to_bytes({ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))});
      if (nonce.empty() || nonce.size() > kMaxOcspNonce)
        return fail(Errc::limit, "an OCSP nonce of that size");
    } else if (X509_EXTENSION_get_critical(extension) != 0) {
      return fail(Errc::unsupported, "an OCSP request with a critical extension");
    }
  }
  return nonce;
}

Result<Bytes> encode_answer(const OcspAnswer& answer, const Bytes& times) {
  Bytes state;
  switch (answer.state) {
    case OcspAnswer::State::good:
      state = der::element(0x80, {});
      break;
    case OcspAnswer::State::revoked: {
      CAM_TRY(const auto since, der::generalized_time(answer.since));
      const std::uint8_t reason[] = {static_cast<std::uint8_t>(answer.reason)};
      // RFC 5280 5.3.1: unspecified is left out.
      const auto why = answer.reason == RevocationReason::unspecified
                           ? Bytes()
                           : der::explicit_tag(0, der::element(0x0a, reason));
      state = der::element(0xa1, der::concat({since, why}));
      break;
    }
    case OcspAnswer::State::unknown:
      state = der::element(0x82, {});
      break;
  }
  return der::sequence({answer.question.certificate_id, state, times});
}

Bytes response(std::uint8_t status, BytesView bytes) {
  const std::uint8_t number[] = {status};
  return der::sequence({der::element(0x0a, number), bytes});
}
}  // namespace

Result<OcspQuery> read_ocsp_query(BytesView der_bytes, const crypto::Certificate& issuer) {
  if (der_bytes.size() > kMaxOcspQuery) return fail(Errc::limit, "an OCSP request longer than 16 KiB");
  clear_errors();
  const auto* cursor = der_bytes.data();
  const OcspRequest request(d2i_OCSP_REQUEST(nullptr, &cursor, static_cast<long>(der_bytes.size())));
  clear_errors();
  if (!request || cursor != der_bytes.data() + der_bytes.size())
    return fail(Errc::malformed, "not an OCSP request");
  const auto by = x509_from_der(issuer.der);
  if (!by) return fail(Errc::malformed, "the issuer's certificate");
  const int count = OCSP_request_onereq_count(request.get());
  if (count < 1) return fail(Errc::malformed, "an OCSP request about nothing");
  if (count > static_cast<int>(kMaxOcspQuestions))
    return fail(Errc::limit, "an OCSP request about more than 16 certificates");
  OcspQuery out;
  CAM_TRY(out.nonce, nonce_of(request.get()));
  for (int i = 0; i < count; ++i) {
    auto* id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), i));
    const bool ours = is_of(id, by.get());
    clear_errors();
    if (!ours) return fail(Errc::denied, "an OCSP request about a certificate of another issuer");
    OcspQuestion question{der_of(id, i2d_OCSP_CERTID), number_of(id)};
    if (question.certificate_id.empty() || question.number.empty())
      return fail(Errc::malformed, "an OCSP request with a number that is none");
    out.questions.push_back(std::move(question));
  }
  return out;
}

Result<OcspQuestion> ocsp_question(const crypto::Certificate& issuer, BytesView number) {
  const auto by = x509_from_der(issuer.der);
  const BigNumber value(BN_bin2bn(number.data(), static_cast<int>(number.size()), nullptr));
  const Asn1Integer serial(value ? BN_to_ASN1_INTEGER(value.get(), nullptr) : nullptr);
  if (!by || !serial || number.empty()) return fail(Errc::usage, "no certificate number of this issuer");
  // RFC 5019 2.1.1: SHA-1, as every client names certificates. Nothing rests on it: the number is the answer.
  const OcspId id(OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(by.get()),
                                   X509_get0_pubkey_bitstr(by.get()), serial.get()));
  clear_errors();
  if (!id) return fail(Errc::internal, "an OCSP certificate id could not be made");
  return OcspQuestion{der_of(id.get(), i2d_OCSP_CERTID), to_bytes(number)};
}

Result<Bytes> issue_ocsp_response(crypto::SigningKey& key, const crypto::Certificate& responder,
                                  const OcspContent& content, RsaPadding padding) {
  if (responder.key == nullptr || responder.key->spki_der() != key.spki_der())
    return fail(Errc::usage, "the responder's certificate is not of the key that is to sign");
  if (content.answers.empty() || content.answers.size() > kMaxOcspQuestions)
    return fail(Errc::usage, "an OCSP response is about 1 to 16 certificates");
  if (content.next_update <= content.this_update)
    return fail(Errc::usage, "an OCSP response whose next update is before it");
  const auto x509 = x509_from_der(responder.der);
  if (!x509) return fail(Errc::malformed, "the responder's certificate");
  CAM_TRY(const auto now, der::generalized_time(content.this_update));
  CAM_TRY(const auto next, der::generalized_time(content.next_update));
  const auto times = der::concat({now, der::explicit_tag(0, next)});
  Bytes answers;
  for (const auto& answer : content.answers) {
    CAM_TRY(const auto encoded, encode_answer(answer, times));
    append(answers, encoded);
  }
  const auto name = der_of(X509_get_subject_name(x509.get()), i2d_X509_NAME);
  Bytes extensions;
  if (!content.nonce.empty())
    extensions = der::explicit_tag(
        1, der::sequence({der::sequence({oid("1.3.6.1.5.5.7.48.1.2"), der::octet_string(content.nonce)})}));
  const auto data = der::sequence({der::explicit_tag(1, name), now, der::sequence({answers}), extensions});
  const auto certificates = der::explicit_tag(0, der::sequence({responder.der}));
  CAM_TRY(const auto basic, sign_object(key, choose_signature(key.alg(), padding), data, certificates));
  return response(
      0, der::explicit_tag(0, der::sequence({oid("1.3.6.1.5.5.7.48.1.1"), der::octet_string(basic)})));
}

Bytes ocsp_refusal(OcspRefusal why) {
  return response(static_cast<std::uint8_t>(why), {});
}

}  // namespace camvault::crypto_openssl

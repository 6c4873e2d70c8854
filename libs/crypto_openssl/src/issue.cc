#include "camvault/crypto_openssl/issue.h"

#include <openssl/pem.h>

#include <algorithm>

#include "certificate.h"
#include "der.h"
#include "public_key.h"
#include "signed_object.h"

namespace camvault::crypto_openssl {

using crypto::Certificate;
using crypto::RevocationList;

namespace {
constexpr std::size_t kMaxSerial = 20;  // RFC 5280 4.1.2.2
constexpr std::size_t kMaxRevoked = 100'000;
constexpr std::size_t kMaxRequestSize = 16 * 1024;
constexpr std::size_t kMaxChallenge = 255;  // PKCS#9 ub-pkcs9-challengePassword-length

Status check_serial(BytesView serial) {
  const bool zero = std::all_of(serial.begin(), serial.end(), [](std::uint8_t b) { return b == 0; });
  if (serial.size() > kMaxSerial || zero || (serial.size() == kMaxSerial && (serial[0] & 0x80) != 0)) {
    return fail(Errc::usage, "a serial number is positive and has at most 20 bytes");
  }
  return ok();
}

Result<Bytes> encode_validity(Timestamp not_before, Timestamp not_after) {
  if (not_after <= not_before) return fail(Errc::usage, "a certificate that ends before it begins");
  CAM_TRY(const auto from, der::time(not_before));
  CAM_TRY(const auto until, der::time(not_after));
  return der::sequence({from, until});
}

struct Issuer {
  Bytes name;  // DER, exactly as in its certificate
  Bytes key_id;
};

Result<Issuer> issuer_of(const crypto::SigningKey& key, const Certificate& certificate) {
  if (certificate.key == nullptr || certificate.key->spki_der() != key.spki_der()) {
    return fail(Errc::usage, "the issuer's certificate is not of the key that is to sign");
  }
  const auto x509 = x509_from_der(certificate.der);
  if (!x509) return fail(Errc::malformed, "the issuer's certificate");
  Issuer out;
  out.name = der_of(X509_get_subject_name(x509.get()), i2d_X509_NAME);
  if (const auto* id = X509_get0_subject_key_id(x509.get())) {
    out.key_id = to_bytes({ASN1_STRING_get0_data(id), static_cast<std::size_t>(ASN1_STRING_length(id))});
  } else {
    CAM_TRY(out.key_id, key_identifier(key.spki_der()));
  }
  return out;
}

Result<Certificate> issue(crypto::SigningKey& key, const Issuer& issuer, BytesView subject, BytesView spki,
                          const CertificateProfile& profile, BytesView serial, RsaPadding padding) {
  CAM_TRY_STATUS(check_serial(serial));
  CAM_TRY_STATUS(public_key_from_spki(spki));  // only keys that our verifiers take get a certificate
  const auto choice = choose_signature(key.alg(), padding);
  CAM_TRY(const auto validity, encode_validity(profile.not_before, profile.not_after));
  CAM_TRY(const auto subject_key_id, key_identifier(spki));
  CAM_TRY(const auto extensions, encode_extensions(profile, subject_key_id, issuer.key_id));
  const auto version3 = der::explicit_tag(0, der::integer(std::uint64_t{2}));
  const auto to_be_signed = der::sequence({version3, der::integer(serial), choice.algorithm_identifier,
                                           issuer.name, validity, subject, spki, extensions});
  CAM_TRY(const auto certificate, sign_object(key, choice, to_be_signed));
  return certificate_from_der(certificate);  // what our own reader refuses must not leave
}

// CertificationRequestInfo's attributes (RFC 2986 4.1).
Result<Bytes> encode_attributes(std::string_view challenge_password) {
  if (challenge_password.empty()) return der::explicit_tag(0, {});
  if (challenge_password.size() > kMaxChallenge)
    return fail(Errc::usage, "a challenge password longer than 255 bytes");
  CAM_TRY(const auto type, der::object_identifier("1.2.840.113549.1.9.7"));
  const auto value = der::utf8_string(challenge_password);  // RFC 7030 3.5: base64 needs + and =
  return der::explicit_tag(0, der::sequence({type, der::set(value)}));
}

// Empty if there is none, or more than one.
std::string challenge_password_of(X509_REQ* request) {
  const int at = X509_REQ_get_attr_by_NID(request, NID_pkcs9_challengePassword, -1);
  if (at < 0 || X509_REQ_get_attr_by_NID(request, NID_pkcs9_challengePassword, at) >= 0) return {};
  auto* attribute = X509_REQ_get_attr(request, at);
  const auto* value = X509_ATTRIBUTE_count(attribute) == 1 ? X509_ATTRIBUTE_get0_type(attribute, 0) : nullptr;
  if (value == nullptr || (value->type != V_ASN1_UTF8STRING && value->type != V_ASN1_PRINTABLESTRING &&
                           value->type != V_ASN1_IA5STRING && value->type != V_ASN1_T61STRING))
    return {};
  const auto* text = value->value.asn1_string;
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(text));
  if (size > kMaxChallenge) return {};
  return std::string(as_text(BytesView(ASN1_STRING_get0_data(text), size)));
}

Result<Bytes> encode_revoked(const RevokedCertificate& revoked) {
  CAM_TRY(const auto serial, from_hex(revoked.serial));
  CAM_TRY_STATUS(check_serial(serial));
  CAM_TRY(const auto since, der::time(revoked.since));
  Bytes extensions;
  if (revoked.reason != RevocationReason::unspecified) {  // RFC 5280 5.3.1: unspecified is left out
    CAM_TRY(const auto type, der::object_identifier("2.5.29.21"));
    const std::uint8_t reason[] = {static_cast<std::uint8_t>(revoked.reason)};
    extensions = der::sequence({der::sequence({type, der::octet_string(der::element(0x0a, reason))})});
  }
  return der::sequence({der::integer(serial), since, extensions});
}
}  // namespace

Result<Bytes> make_certificate_request(crypto::SigningKey& key, const SubjectName& subject,
                                       RsaPadding padding, std::string_view challenge_password) {
  CAM_TRY(const auto name, encode_name(subject));
  CAM_TRY(const auto attributes, encode_attributes(challenge_password));
  const auto to_be_signed = der::sequence({der::integer(std::uint64_t{0}), name, key.spki_der(), attributes});
  return sign_object(key, choose_signature(key.alg(), padding), to_be_signed);
}

Result<CertificateRequest> read_certificate_request(BytesView der_or_pem) {
  if (der_or_pem.size() > kMaxRequestSize) return fail(Errc::limit, "certificate request longer than 16 KiB");
  clear_errors();
  X509Req request;
  if (!der_or_pem.empty() && der_or_pem[0] == 0x30) {
    const auto* cursor = der_or_pem.data();
    request.reset(d2i_X509_REQ(nullptr, &cursor, static_cast<long>(der_or_pem.size())));
    if (cursor != der_or_pem.data() + der_or_pem.size()) request.reset();
  } else {
    const Bio in(BIO_new_mem_buf(der_or_pem.data(), static_cast<int>(der_or_pem.size())));
    if (in) request.reset(PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr));
  }
  clear_errors();
  if (!request) return fail(Errc::malformed, "not a PKCS#10 certificate request");
  CertificateRequest out;
  EvpKey key(X509_REQ_get_pubkey(request.get()));
  clear_errors();
  if (!key) return fail(Errc::unsupported, "certificate request for a key of an unknown kind");
  CAM_TRY(out.key, wrap_public_key(std::move(key), X509_REQ_get_X509_PUBKEY(request.get())));
  out.spki = out.key->spki_der();
  const bool proven = X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())) == 1;
  clear_errors();
  if (!proven)
    return fail(Errc::invalid, "the certificate request is not signed with the key that it is for");
  const auto* subject = X509_REQ_get_subject_name(request.get());
  out.subject = printable_name(subject);
  out.common_name = single_attribute(subject, NID_commonName);
  out.device_serial = single_attribute(subject, NID_serialNumber);
  out.organizational_unit = single_attribute(subject, NID_organizationalUnitName);
  out.challenge_password = challenge_password_of(request.get());
  clear_errors();
  return out;
}

Result<Certificate> issue_self_signed(crypto::SigningKey& key, const SubjectName& subject,
                                      const CertificateProfile& profile, BytesView serial,
                                      RsaPadding padding) {
  Issuer self;
  CAM_TRY(self.name, encode_name(subject));
  CAM_TRY(self.key_id, key_identifier(key.spki_der()));
  return issue(key, self, self.name, key.spki_der(), profile, serial, padding);
}

Result<Certificate> issue_certificate(crypto::SigningKey& issuer_key, const Certificate& issuer,
                                      const SubjectName& subject, BytesView spki,
                                      const CertificateProfile& profile, BytesView serial,
                                      RsaPadding padding) {
  CAM_TRY(const auto by, issuer_of(issuer_key, issuer));
  CAM_TRY(const auto name, encode_name(subject));
  return issue(issuer_key, by, name, spki, profile, serial, padding);
}

Result<RevocationList> issue_revocation_list(crypto::SigningKey& issuer_key, const Certificate& issuer,
                                             const RevocationContent& content, RsaPadding padding) {
  if (content.revoked.size() > kMaxRevoked)
    return fail(Errc::limit, "more than 100,000 revoked certificates");
  if (content.next_update <= content.this_update)
    return fail(Errc::usage, "a list whose next update is before it");
  CAM_TRY(const auto by, issuer_of(issuer_key, issuer));
  CAM_TRY(const auto this_update, der::time(content.this_update));
  CAM_TRY(const auto next_update, der::time(content.next_update));
  Bytes entries;
  for (const auto& revoked : content.revoked) {
    CAM_TRY(const auto entry, encode_revoked(revoked));
    append(entries, entry);
  }
  const auto list =
      entries.empty() ? Bytes() : der::sequence({entries});  // RFC 5280 5.1.2.6: absent when empty
  CAM_TRY(const auto number_type, der::object_identifier("2.5.29.20"));
  const auto number = der::sequence({number_type, der::octet_string(der::integer(content.number))});
  const auto extensions = der::explicit_tag(0, der::sequence({authority_key_identifier(by.key_id), number}));
  const auto choice = choose_signature(issuer_key.alg(), padding);
  const auto to_be_signed = der::sequence({der::integer(std::uint64_t{1}), choice.algorithm_identifier,
                                           by.name, this_update, next_update, list, extensions});
  CAM_TRY(const auto crl, sign_object(issuer_key, choice, to_be_signed));
  return crl_from_pem_or_der(crl);
}

std::string certificate_pem(const Certificate& certificate) {
  return to_pem(PEM_STRING_X509, certificate.der);
}

std::string certificates_pem(const std::vector<Certificate>& certificates) {
  std::string out;
  for (const auto& certificate : certificates) out += certificate_pem(certificate);
  return out;
}

std::string revocation_list_pem(const RevocationList& list) {
  return to_pem(PEM_STRING_X509_CRL, list.der);
}
std::string certificate_request_pem(BytesView der) {
  return to_pem(PEM_STRING_X509_REQ, der);
}

}  // namespace camvault::crypto_openssl

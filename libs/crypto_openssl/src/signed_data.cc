#include "signed_data.h"

#include <openssl/cms.h>

#include <algorithm>
#include <ctime>
#include <limits>

#include "certificate.h"
#include "der.h"
#include "digest.h"
#include "ossl.h"
#include "signed_object.h"

namespace camvault::crypto_openssl {

namespace {
constexpr int kMaxCertificates = 16;

using Cms = Owned<CMS_ContentInfo, CMS_ContentInfo_free>;

void free_owned_certificates(STACK_OF(X509) * stack) {
  sk_X509_pop_free(stack, X509_free);
}
using Certificates = Owned<STACK_OF(X509), free_owned_certificates>;

// Only literals of this file come here.
Bytes oid(std::string_view dotted) {
  return der::object_identifier(dotted).value();
}

Bytes hash_algorithm(crypto::HashAlg hash) {
  return der::sequence({oid(hash == crypto::HashAlg::sha256   ? "2.16.840.1.101.3.4.2.1"
                            : hash == crypto::HashAlg::sha384 ? "2.16.840.1.101.3.4.2.2"
                                                              : "2.16.840.1.101.3.4.2.3")});
}

crypto::Digest digest_of(crypto::HashAlg hash, BytesView message) {
  crypto::Digest out;
  unsigned size = 0;
  if (EVP_Digest(message.data(), message.size(), out.bytes.data(), &size, evp_md(hash), nullptr) == 1)
    out.size = static_cast<std::uint8_t>(size);
  return out;
}

// RFC 5652 10.2.4.
Result<Bytes> issuer_and_serial(BytesView certificate) {
  const auto x509 = x509_from_der(certificate);
  if (!x509) return fail(Errc::malformed, "the signer's certificate cannot be read");
  const auto issuer = der_of(X509_get_issuer_name(x509.get()), i2d_X509_NAME);
  const auto serial = der_of(X509_get0_serialNumber(x509.get()), i2d_ASN1_INTEGER);
  return der::sequence({issuer, serial});
}

Bytes attribute(std::string_view type, BytesView value) {
  return der::sequence({oid(type), der::set(value)});
}

std::optional<Timestamp> time_in(CMS_SignerInfo* signer) {
  const ASN1_TIME* text = nullptr;
  for (const int type : {V_ASN1_UTCTIME, V_ASN1_GENERALIZEDTIME}) {
    if (text != nullptr) break;
    // -3: exactly one such attribute with exactly one value.
    text = static_cast<const ASN1_TIME*>(
        CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(NID_pkcs9_signingTime), -3, type));
  }
  std::tm broken{};
  if (text == nullptr || ASN1_TIME_to_tm(text, &broken) != 1) return std::nullopt;
  const auto date = std::chrono::sys_days(std::chrono::year(broken.tm_year + 1900) /
                                          std::chrono::month(static_cast<unsigned>(broken.tm_mon + 1)) /
                                          std::chrono::day(static_cast<unsigned>(broken.tm_mday)));
  return Timestamp(date.time_since_epoch()) + std::chrono::hours(broken.tm_hour) +
         std::chrono::minutes(broken.tm_min) + std::chrono::seconds(broken.tm_sec);
}

// RFC 5652 5.6: no digest that a forger could find a second message for.
bool is_strong(CMS_SignerInfo* signer) {
  X509_ALGOR* digest = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &digest, nullptr);
  const ASN1_OBJECT* name = nullptr;
  if (digest != nullptr) X509_ALGOR_get0(&name, nullptr, nullptr, digest);
  const int nid = OBJ_obj2nid(name);
  return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

std::string dotted(const ASN1_OBJECT* object) {
  char text[128];
  const int size = OBJ_obj2txt(text, sizeof text, object, 1);
  return size > 0 && size < static_cast<int>(sizeof text) ? std::string(text) : std::string();
}
}  // namespace

Result<Bytes> make_signed_data(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                               BytesView content, std::string_view content_type, Placement placement,
                               Timestamp at) {
  if (key.alg() == crypto::KeyAlg::ed25519)
    return fail(Errc::unsupported, "documents are not signed with Ed25519 keys");
  if (chain.empty() || chain.front().key == nullptr || chain.front().key->spki_der() != key.spki_der())
    return fail(Errc::usage, "the first certificate of the chain does not belong to the signing key");
  const auto choice = choose_signature(key.alg(), RsaPadding::pkcs1v15);
  CAM_TRY(const auto type, der::object_identifier(content_type));
  CAM_TRY(const auto identifier, issuer_and_serial(chain.front().der));
  CAM_TRY(const auto time, der::time(at));
  std::vector<Bytes> attributes{
      attribute("1.2.840.113549.1.9.3", type), attribute("1.2.840.113549.1.9.5", time),
      attribute("1.2.840.113549.1.9.4", der::octet_string(digest_of(choice.hash, content).view()))};
  std::sort(attributes.begin(), attributes.end());  // X.690 11.6
  Bytes members;
  for (const auto& a : attributes) append(members, a);
  // RFC 5652 5.4: signed as a SET, stored with the tag [0].
  const auto digest = digest_of(choice.hash, der::element(0x31, members));
  CAM_TRY(const auto signature, key.sign(choice.scheme, choice.hash, digest));
  if (!chain.front().key->verify_digest(choice.scheme, choice.hash, digest, signature))
    return fail(Errc::invalid, "the key answered with a signature that does not verify");
  Bytes certificates;
  for (const auto& c : chain) append(certificates, c.der);
  const auto algorithm = hash_algorithm(choice.hash);
  const auto signer =
      der::sequence({der::integer(std::uint64_t{1}), identifier, algorithm, der::element(0xa0, members),
                     choice.algorithm_identifier, der::octet_string(signature)});
  const auto inside =
      placement == Placement::attached ? der::explicit_tag(0, der::octet_string(content)) : Bytes();
  const std::uint64_t version = content_type == kCmsData ? 1 : 3;  // RFC 5652 5.1
  const auto signed_data =
      der::sequence({der::integer(version), der::set(algorithm), der::sequence({type, inside}),
                     der::element(0xa0, certificates), der::set(signer)});
  return der::sequence({oid("1.2.840.113549.1.7.2"), der::explicit_tag(0, signed_data)});
}

Result<SignedData> check_signed_data(const crypto::Engine& engine, BytesView message, Placement placement,
                                     BytesView beside) {
  if (message.size() > kMaxSignedData) return fail(Errc::limit, "the signature is longer than 256 KiB");
  clear_errors();
  const bool detached = placement == Placement::detached;
  const auto* cursor = message.data();
  const Cms cms(d2i_CMS_ContentInfo(nullptr, &cursor, static_cast<long>(message.size())));
  if (!cms || cursor != message.data() + message.size() ||
      OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_signed ||
      (CMS_is_detached(cms.get()) == 1) != detached)
    return fail(Errc::malformed, detached ? "this is no detached signature (CMS, DER)"
                                          : "this is no signed message (CMS, DER)");
  auto* signers = CMS_get0_SignerInfos(cms.get());
  if (signers == nullptr || sk_CMS_SignerInfo_num(signers) != 1)
    return fail(Errc::malformed, "a signature of one signer is expected");
  const Certificates certificates(CMS_get1_certs(cms.get()));
  const int count = certificates ? sk_X509_num(certificates.get()) : 0;
  if (count == 0 || count > kMaxCertificates)
    return fail(Errc::malformed, "the signature holds no certificate, or more than 16");
  auto* signer = sk_CMS_SignerInfo_value(signers, 0);
  if (!is_strong(signer)) return fail(Errc::unsupported, "a signature over another digest than SHA-2");
  SignedData out;
  out.content_type = dotted(CMS_get0_eContentType(cms.get()));
  if (!detached) {
    ASN1_OCTET_STRING** const content = CMS_get0_content(cms.get());
    if (content == nullptr || *content == nullptr)
      return fail(Errc::malformed, "a signed message without content");
    out.content =
        to_bytes({ASN1_STRING_get0_data(*content), static_cast<std::size_t>(ASN1_STRING_length(*content))});
  }
  if (beside.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return fail(Errc::limit, "what is signed is too long");
  const Bio input(detached ? BIO_new_mem_buf(beside.data(), static_cast<int>(beside.size())) : nullptr);
  // Who the signer is, is asked elsewhere; here only whether that certificate's key signed these bytes.
  constexpr unsigned kFlags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;
  const bool fits = CMS_verify(cms.get(), nullptr, nullptr, input.get(), nullptr, kFlags) == 1;
  clear_errors();
  if (!fits) return fail(Errc::invalid, "the signature does not fit what it is of");
  for (int i = 0; i < count; ++i) {
    auto* x509 = sk_X509_value(certificates.get(), i);
    CAM_TRY(auto certificate, engine.certificate_from_der(der_of(x509, i2d_X509)));
    const bool is_signer = CMS_SignerInfo_cert_cmp(signer, x509) == 0;
    out.chain.insert(is_signer ? out.chain.begin() : out.chain.end(), std::move(certificate));
  }
  out.signing_time = time_in(signer);
  return out;
}

}  // namespace camvault::crypto_openssl

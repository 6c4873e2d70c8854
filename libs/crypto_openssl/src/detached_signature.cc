#include "camvault/crypto_openssl/detached_signature.h"

#include <openssl/cms.h>

#include <algorithm>
#include <ctime>
#include <limits>

#include "der.h"
#include "digest.h"
#include "ossl.h"
#include "signed_object.h"

namespace camvault::crypto_openssl {

namespace {

constexpr std::size_t kMaxSignature = 256 << 10;
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

X509Cert parse(BytesView der) {
  const auto* cursor = der.data();
  return X509Cert(d2i_X509(nullptr, &cursor, static_cast<long>(der.size())));
}

template <class T, class Encode>
Bytes encoded(T* object, Encode encode) {
  unsigned char* raw = nullptr;
  const int size = encode(object, &raw);
  const OsslMemory owned(raw);
  return size > 0 ? Bytes(raw, raw + size) : Bytes();
}

Bytes der_of(X509* certificate) {
  return encoded(certificate, [](X509* x, unsigned char** out) { return i2d_X509(x, out); });
}

// RFC 5652 10.2.4.
Result<Bytes> issuer_and_serial(BytesView certificate) {
  const auto x509 = parse(certificate);
  if (!x509) return fail(Errc::malformed, "the signer's certificate cannot be read");
  const auto issuer = encoded(X509_get_issuer_name(x509.get()),
                              [](const X509_NAME* n, unsigned char** out) { return i2d_X509_NAME(n, out); });
  const auto serial =
      encoded(X509_get0_serialNumber(x509.get()),
              [](const ASN1_INTEGER* n, unsigned char** out) { return i2d_ASN1_INTEGER(n, out); });
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

}  // namespace

Result<Bytes> sign_detached(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                            BytesView content, Timestamp at) {
  if (key.alg() == crypto::KeyAlg::ed25519)
    return fail(Errc::unsupported, "reports are not signed with Ed25519 keys");
  if (chain.empty() || chain.front().key == nullptr || chain.front().key->spki_der() != key.spki_der())
    return fail(Errc::usage, "the first certificate of the chain does not belong to the signing key");
  const auto choice = choose_signature(key.alg(), RsaPadding::pkcs1v15);
  CAM_TRY(const auto identifier, issuer_and_serial(chain.front().der));
  CAM_TRY(const auto time, der::time(at));
  std::vector<Bytes> attributes{
      attribute("1.2.840.113549.1.9.3", oid("1.2.840.113549.1.7.1")), attribute("1.2.840.113549.1.9.5", time),
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
  const auto signed_data = der::sequence({der::integer(std::uint64_t{1}), der::set(algorithm),
                                          der::sequence({oid("1.2.840.113549.1.7.1")}),
                                          der::element(0xa0, certificates), der::set(signer)});
  return der::sequence({oid("1.2.840.113549.1.7.2"), der::explicit_tag(0, signed_data)});
}

Result<DetachedSignature> verify_detached(const crypto::Engine& engine, BytesView signature,
                                          BytesView content) {
  if (signature.size() > kMaxSignature) return fail(Errc::limit, "the signature is longer than 256 KiB");
  clear_errors();
  const auto* cursor = signature.data();
  const Cms cms(d2i_CMS_ContentInfo(nullptr, &cursor, static_cast<long>(signature.size())));
  if (!cms || cursor != signature.data() + signature.size() ||
      OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_signed || CMS_is_detached(cms.get()) != 1)
    return fail(Errc::malformed, "this is no detached signature (CMS, DER)");
  auto* signers = CMS_get0_SignerInfos(cms.get());
  if (signers == nullptr || sk_CMS_SignerInfo_num(signers) != 1)
    return fail(Errc::malformed, "a signature of one signer is expected");
  const Certificates certificates(CMS_get1_certs(cms.get()));
  const int count = certificates ? sk_X509_num(certificates.get()) : 0;
  if (count == 0 || count > kMaxCertificates)
    return fail(Errc::malformed, "the signature holds no certificate, or more than 16");
  auto* signer = sk_CMS_SignerInfo_value(signers, 0);
  if (content.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return fail(Errc::limit, "what is signed is too long");
  const Bio input(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  // Who the signer is, is asked elsewhere; here only whether that certificate's key signed these bytes.
  constexpr unsigned kFlags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;
  const bool fits = CMS_verify(cms.get(), nullptr, nullptr, input.get(), nullptr, kFlags) == 1;
  clear_errors();
  if (!fits) return fail(Errc::invalid, "the signature does not fit what it lies beside");
  DetachedSignature out;
  for (int i = 0; i < count; ++i) {
    auto* x509 = sk_X509_value(certificates.get(), i);
    CAM_TRY(auto certificate, engine.certificate_from_der(der_of(x509)));
    const bool is_signer = CMS_SignerInfo_cert_cmp(signer, x509) == 0;
    out.chain.insert(is_signer ? out.chain.begin() : out.chain.end(), std::move(certificate));
  }
  out.signing_time = time_in(signer);
  return out;
}

SealAlgorithm seal_algorithm(crypto::KeyAlg alg) {
  auto choice = choose_signature(alg, RsaPadding::pss);
  return {choice.scheme, choice.hash, std::move(choice.algorithm_identifier)};
}

Result<SealAlgorithm> seal_algorithm_of(BytesView identifier) {
  using crypto::KeyAlg;
  for (const auto alg : {KeyAlg::ec_p256, KeyAlg::ec_p384, KeyAlg::ec_p521, KeyAlg::rsa_2048}) {
    auto known = seal_algorithm(alg);
    if (equal(known.identifier, identifier)) return known;
  }
  return fail(Errc::unsupported, "a seal of another algorithm");
}

}  // namespace camvault::crypto_openssl

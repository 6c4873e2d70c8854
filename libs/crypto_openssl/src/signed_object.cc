#include "signed_object.h"

#include <openssl/pem.h>

#include "der.h"
#include "digest.h"
#include "public_key.h"

namespace camvault::crypto_openssl {

using crypto::HashAlg;
using crypto::KeyAlg;
using crypto::SignatureScheme;

namespace {
// Only literals of this file come here.
Bytes oid(std::string_view dotted) {
  return der::object_identifier(dotted).value();
}

Bytes rsa_pss_algorithm(HashAlg hash) {
  // RFC 4055 2.1 and 3.1; the salt is as long as the digest.
  const auto* hash_oid = hash == HashAlg::sha256   ? "2.16.840.1.101.3.4.2.1"
                         : hash == HashAlg::sha384 ? "2.16.840.1.101.3.4.2.2"
                                                   : "2.16.840.1.101.3.4.2.3";
  const auto hash_algorithm = der::sequence({oid(hash_oid), der::null()});
  const auto mgf = der::sequence({oid("1.2.840.113549.1.1.8"), hash_algorithm});
  const auto salt = der::integer(std::uint64_t{crypto::digest_size(hash)});
  return der::sequence(
      {oid("1.2.840.113549.1.1.10"), der::sequence({der::explicit_tag(0, hash_algorithm),
                                                    der::explicit_tag(1, mgf), der::explicit_tag(2, salt)})});
}

crypto::Digest digest_of(HashAlg hash, BytesView message) {
  crypto::Digest out;
  unsigned size = 0;
  if (EVP_Digest(message.data(), message.size(), out.bytes.data(), &size, evp_md(hash), nullptr) == 1) {
    out.size = static_cast<std::uint8_t>(size);
  }
  return out;
}
}  // namespace

SignatureChoice choose_signature(KeyAlg alg, RsaPadding padding) {
  // RFC 5758 3.2 (ECDSA), RFC 4055 5 and 3.1 (RSA), RFC 8410 3 (Ed25519). The hash is as strong as the curve.
  switch (alg) {
    case KeyAlg::ec_p256:
      return {SignatureScheme::ecdsa, HashAlg::sha256, der::sequence({oid("1.2.840.10045.4.3.2")})};
    case KeyAlg::ec_p384:
      return {SignatureScheme::ecdsa, HashAlg::sha384, der::sequence({oid("1.2.840.10045.4.3.3")})};
    case KeyAlg::ec_p521:
      return {SignatureScheme::ecdsa, HashAlg::sha512, der::sequence({oid("1.2.840.10045.4.3.4")})};
    case KeyAlg::ed25519:
      return {SignatureScheme::ed25519, HashAlg::sha512, der::sequence({oid("1.3.101.112")})};
    case KeyAlg::rsa_2048:
    case KeyAlg::rsa_3072:
    case KeyAlg::rsa_4096:
      break;
  }
  if (padding == RsaPadding::pss) {
    return {SignatureScheme::rsa_pss, HashAlg::sha256, rsa_pss_algorithm(HashAlg::sha256)};
  }
  return {SignatureScheme::rsa_pkcs1v15, HashAlg::sha256,
          der::sequence({oid("1.2.840.113549.1.1.11"), der::null()})};
}

Result<Bytes> sign_object(crypto::SigningKey& key, const SignatureChoice& choice, BytesView to_be_signed,
                          BytesView behind) {
  CAM_TRY(const auto verifier, public_key_from_spki(key.spki_der()));
  Bytes signature;
  if (choice.scheme == SignatureScheme::ed25519) {
    CAM_TRY(signature, key.sign_message(to_be_signed));
    if (!verifier->verify_message(to_be_signed, signature)) {
      return fail(Errc::invalid, "the key made a signature that does not verify");
    }
  } else {
    const auto digest = digest_of(choice.hash, to_be_signed);
    CAM_TRY(signature, key.sign(choice.scheme, choice.hash, digest));
    if (!verifier->verify_digest(choice.scheme, choice.hash, digest, signature)) {
      return fail(Errc::invalid, "the key made a signature that does not verify");
    }
  }
  return der::sequence({to_be_signed, choice.algorithm_identifier, der::bit_string(signature), behind});
}

Result<Bytes> key_identifier(BytesView spki) {
  // RFC 7093 2 (1): the left 160 bits of SHA-256 over the BIT STRING's bytes; RFC 5280's SHA-1 without SHA-1.
  if (const auto point = p256_point(spki); !point.empty())
    return to_bytes(digest_of(HashAlg::sha256, point).view().first(20));
  const auto* cursor = spki.data();
  const Owned<X509_PUBKEY, X509_PUBKEY_free> key(
      d2i_X509_PUBKEY(nullptr, &cursor, static_cast<long>(spki.size())));
  const unsigned char* bits = nullptr;
  int size = 0;
  clear_errors();
  if (!key || X509_PUBKEY_get0_param(nullptr, &bits, &size, nullptr, key.get()) != 1) {
    return fail(Errc::malformed, "not a SubjectPublicKeyInfo");
  }
  const auto digest = digest_of(HashAlg::sha256, {bits, static_cast<std::size_t>(size)});
  return to_bytes(digest.view().first(20));
}

std::string to_pem(std::string_view label, BytesView der) {
  const Bio out(BIO_new(BIO_s_mem()));
  const std::string name(label);
  if (!out || PEM_write_bio(out.get(), name.c_str(), "", der.data(), static_cast<long>(der.size())) <= 0)
    return {};
  const char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace camvault::crypto_openssl

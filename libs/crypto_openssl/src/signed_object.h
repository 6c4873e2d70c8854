// SEQUENCE { what is signed, how, signature }: the outer form of certificates, requests and revocation lists.
#pragma once

#include "camvault/crypto/key.h"
#include "camvault/crypto_openssl/issue.h"

namespace camvault::crypto_openssl {

struct SignatureChoice {
  crypto::SignatureScheme scheme;
  crypto::HashAlg hash;        // meaningless for Ed25519
  Bytes algorithm_identifier;  // DER
};
SignatureChoice choose_signature(crypto::KeyAlg alg, RsaPadding padding);

// Has `to_be_signed` signed and returns the whole; `behind` is one more element at its end (the certificates
// of an OCSP response). Errc::invalid if the key's answer does not verify.
Result<Bytes> sign_object(crypto::SigningKey& key, const SignatureChoice& choice, BytesView to_be_signed,
                          BytesView behind = {});

Result<Bytes> encode_name(const SubjectName& name);
Result<Bytes> encode_extensions(const CertificateProfile& profile, BytesView subject_key_id,
                                BytesView issuer_key_id);
Bytes authority_key_identifier(BytesView issuer_key_id);  // one extension
Result<Bytes> key_identifier(BytesView spki);
std::string to_pem(std::string_view label, BytesView der);

}  // namespace camvault::crypto_openssl

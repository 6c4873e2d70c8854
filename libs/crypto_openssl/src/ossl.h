// OpenSSL's objects with owners. Private to this module.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "camvault/base/bytes.h"

namespace camvault::crypto_openssl {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <class T, auto Free>
using Ossl = std::unique_ptr<T, Freer<Free>>;

inline void free_ossl_memory(void* data) {
  OPENSSL_free(data);
}
inline void free_x509_stack(STACK_OF(X509) * stack) {
  sk_X509_free(stack);
}  // the certificates belong to others

using EvpKey = Ossl<EVP_PKEY, EVP_PKEY_free>;
using EvpKeyCtx = Ossl<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using EvpMd = Ossl<EVP_MD, EVP_MD_free>;
using EvpMdCtx = Ossl<EVP_MD_CTX, EVP_MD_CTX_free>;
using Bio = Ossl<BIO, BIO_free_all>;
using BigNumber = Ossl<BIGNUM, BN_free>;
using X509Cert = Ossl<X509, X509_free>;
using X509Crl = Ossl<X509_CRL, X509_CRL_free>;
using X509Req = Ossl<X509_REQ, X509_REQ_free>;
using X509Name = Ossl<X509_NAME, X509_NAME_free>;
using X509Store = Ossl<X509_STORE, X509_STORE_free>;
using X509StoreCtx = Ossl<X509_STORE_CTX, X509_STORE_CTX_free>;
using X509Stack = Ossl<STACK_OF(X509), free_x509_stack>;
using X509Ext = Ossl<X509_EXTENSION, X509_EXTENSION_free>;
using Asn1Integer = Ossl<ASN1_INTEGER, ASN1_INTEGER_free>;
using Asn1Octets = Ossl<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using OsslMemory = Ossl<unsigned char, free_ossl_memory>;

// Forgets what earlier calls left, so that nobody takes old errors for new ones. OpenSSL's own texts may
// quote input and are not passed on.
inline void clear_errors() {
  ERR_clear_error();
}

// Runs an i2d function: DER of a value, or nothing if OpenSSL could not encode it.
template <class T, class Encode>
Bytes der_of(T* object, Encode encode) {
  unsigned char* raw = nullptr;
  const int size = encode(object, &raw);
  const OsslMemory owner(raw);
  if (size <= 0) return {};
  return Bytes(raw, raw + size);
}

}  // namespace camvault::crypto_openssl

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

#include "camvault/base/bytes.h"
#include "camvault/base/owned.h"

namespace camvault::crypto_openssl {

inline void free_ossl_memory(void* data) {
  OPENSSL_free(data);
}
inline void free_x509_stack(STACK_OF(X509) * stack) {
  sk_X509_free(stack);
}  // the certificates belong to others

using EvpKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using EvpKeyCtx = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using EvpMd = Owned<EVP_MD, EVP_MD_free>;
using EvpMdCtx = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using Bio = Owned<BIO, BIO_free_all>;
using BigNumber = Owned<BIGNUM, BN_free>;
using X509Cert = Owned<X509, X509_free>;
using X509Crl = Owned<X509_CRL, X509_CRL_free>;
using X509Req = Owned<X509_REQ, X509_REQ_free>;
using X509Name = Owned<X509_NAME, X509_NAME_free>;
using X509Store = Owned<X509_STORE, X509_STORE_free>;
using X509StoreCtx = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using X509Stack = Owned<STACK_OF(X509), free_x509_stack>;
using X509Ext = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using Asn1Integer = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;
using Asn1Octets = Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using OsslMemory = Owned<unsigned char, free_ossl_memory>;

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

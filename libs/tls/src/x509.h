// OpenSSL's certificates and our own. Private to this module.
#pragma once

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <string>

#include "camvault/base/owned.h"
#include "camvault/crypto/certificate.h"
#include "camvault/openssl_keys/in_process.h"

namespace camvault::tls {

using X509Cert = Owned<X509, X509_free>;

inline X509Cert x509_of(const crypto::Certificate& certificate) {
  auto* empty = X509_new_ex(openssl_keys::library_context(), nullptr);
  const auto* cursor = certificate.der.data();
  if (empty == nullptr || d2i_X509(&empty, &cursor, static_cast<long>(certificate.der.size())) == nullptr) {
    ERR_clear_error();
    return nullptr;  // d2i frees the object that it could not fill
  }
  return X509Cert(empty);
}

inline bool is_ip_address(const std::string& host) {
  auto* address = a2i_IPADDRESS(host.c_str());
  const bool is = address != nullptr;
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return is;
}

}  // namespace camvault::tls

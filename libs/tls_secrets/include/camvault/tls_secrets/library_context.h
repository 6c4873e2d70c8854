// A library context of OpenSSL whose TLS handshakes have their secrets in the keystore.
#pragma once

#include <memory>

#include "camvault/keystore/tls_secrets.h"

struct ossl_lib_ctx_st;

namespace camvault::tls_secrets {

// For SSL_CTX_new_ex(context.get(), kProperties, ...): libssl then takes our algorithms where there are any.
inline constexpr const char* kProperties = "?provider=camvault-tls";
// The groups whose shares are made in the keystore; a connection must offer no other
// (SSL_CTX_set1_groups_list).
inline constexpr const char* kGroups = "X25519:P-256";

// Immutable; shared between threads. Must outlive all that was made with it. Handshakes wait for keystored at
// each step; when it is away, or a handle is unknown to it, they fail.
class LibraryContext {
 public:
  // OpenSSL's default provider, ours, and random numbers from the keystore. What the machine's openssl.cnf
  // says does not reach it.
  static Result<std::shared_ptr<const LibraryContext>> create(std::shared_ptr<keystore::TlsSecrets> secrets);
  ~LibraryContext();
  LibraryContext(const LibraryContext&) = delete;
  LibraryContext& operator=(const LibraryContext&) = delete;

  ossl_lib_ctx_st* get() const { return context_; }

 private:
  LibraryContext(ossl_lib_ctx_st* context, std::shared_ptr<keystore::TlsSecrets> secrets)
      : context_(context), secrets_(std::move(secrets)) {}
  ossl_lib_ctx_st* context_;
  std::shared_ptr<keystore::TlsSecrets> secrets_;
};

}  // namespace camvault::tls_secrets

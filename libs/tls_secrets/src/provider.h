// The parts of the provider "camvault-tls". The context of each is the keystore's TlsSecrets.
#pragma once

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "camvault/keystore/tls_secrets.h"

#define CAMVAULT_TLS_PROVIDER "provider=camvault-tls"

namespace camvault::tls_secrets {

using keystore::TlsSecrets;

extern const OSSL_ALGORITHM kKeyDerivations[];
extern const OSSL_ALGORITHM kMacs[];
extern const OSSL_ALGORITHM kKeyManagement[];
extern const OSSL_ALGORITHM kExchanges[];
extern const OSSL_ALGORITHM kRandoms[];

// libssl takes a group only from the provider that has its keys, and only if that announces it.
int announce_groups(OSSL_CALLBACK* take, void* argument);

template <class F>
OSSL_DISPATCH entry(int number, F* function) {
  return {number, reinterpret_cast<void (*)()>(function)};
}

inline TlsSecrets& secrets_of(void* provider) {
  return *static_cast<TlsSecrets*>(provider);
}

inline Bytes octets(const OSSL_PARAM& p) {
  const auto* data = static_cast<const std::uint8_t*>(p.data);
  return data == nullptr ? Bytes{} : Bytes(data, data + p.data_size);
}

// What OpenSSL calls a digest: SHA256, SHA2-256, SHA-256, ...
std::optional<crypto::HashAlg> hash_named(const OSSL_PARAM& p);

// Into OpenSSL's room, which it must fit; our copy is wiped, since it may be a record key. 1 or 0.
int give(Result<Bytes> from, unsigned char* to, std::size_t room);

}  // namespace camvault::tls_secrets

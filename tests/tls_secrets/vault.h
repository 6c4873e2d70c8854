// An experiment (docs/tls-secrets.md): can the secrets of a TLS handshake live in another process, and
// OpenSSL 3.0 work with handles in their place? The other process stands for keystored. Not part of the
// product.
//
// A handle has the size of the secret that it stands for: 0xfe "VAULT", a number, zeros. Wherever OpenSSL
// hands one back - as key, salt or secret, alone or inside something it has put together - the vault puts the
// secret in again.
#pragma once

#include <openssl/provider.h>

#include <string>

#include "camvault/base/bytes.h"

namespace camvault::tls_secrets {

// The functions that the vault has: what a keystore would have to offer.
enum class Request : std::uint8_t {
  kdf = 1,
  hmac,
  generate,
  derive,
  random,
  load_psk,
  gave_random,
  count_exchanges
};

// Starts the other process; ends with this one. Before anything else: the child must know nothing.
void start_vault();
// Waits for the answer. Throws if the vault is gone or refuses.
Bytes ask_vault(Request request, std::initializer_list<BytesView> fields);

int requests_so_far();

bool is_handle(BytesView bytes);

// The provider "vault": TLS1-PRF, TLS13-KDF, HMAC, X25519 and CTR-DRBG, each of them asking the vault.
extern "C" OSSL_provider_init_fn vault_provider_init;

}  // namespace camvault::tls_secrets

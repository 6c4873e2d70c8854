// One TLS connection over one socket.
#pragma once

#include "camvault/base/owned.h"
#include "verification.h"

namespace camvault::tls {

using SslHandle = Owned<SSL, SSL_free>;

struct NewConnection {
  SSL_CTX* context = nullptr;
  std::shared_ptr<const Verifier> verifier;
  UniqueFd socket;
  std::string host;  // of the server; empty for connections that we accept
  bool accepting = false;
};
Result<std::unique_ptr<Connection>> shake_hands(NewConnection wanted, net::Deadline deadline);

}  // namespace camvault::tls

// A socket under OpenSSL that never raises SIGPIPE (its own writes with write(2)).
#pragma once

#include <openssl/bio.h>

namespace camvault::tls {

// For a non-blocking socket that stays the caller's. Null if there is no memory.
BIO* make_socket_bio(int fd);

}  // namespace camvault::tls

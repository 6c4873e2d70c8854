// A key of keystored that a program named.
#pragma once

#include <string_view>

#include "camvault/openssl_keys/key.h"

namespace camvault::openssl_provider {

// Looks the key up in keystored: "camera/https". Errc::denied for keys that programs do not sign with in this
// way (serves_programs). keystored decides anew at each signature; connections do not cross fork().
Result<openssl_keys::SharedKey> open_key(std::string_view name);

}  // namespace camvault::openssl_provider

// The channel's static keys as a file: lines "ENC <hex>", "MAC <hex>", "DEK <hex>", the form that NXP's tools
// read.
#pragma once

#include <filesystem>

#include "camvault/keystore_se05x/scp03.h"

namespace camvault::keystore_se05x {

// The file must belong to this process's uid and be readable by nobody else (Errc::denied) and be no link.
// Keys of 16 or 32 bytes, all of one size, each once; lines that begin with # are comments (Errc::malformed
// otherwise).
Result<Scp03Keys> read_key_file(const std::filesystem::path& path);

// The key of an applet session: one line "AES <hex>". The same conditions and errors.
Result<Secret> read_login_file(const std::filesystem::path& path);

}  // namespace camvault::keystore_se05x

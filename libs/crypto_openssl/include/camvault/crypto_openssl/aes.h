// AES without padding and its CMAC: what secure channels to smart cards and secure elements are made of. For
// data of applications there is authenticated encryption in the keystore.
#pragma once

#include <array>

#include "camvault/base/bytes.h"
#include "camvault/base/secret.h"

namespace camvault::crypto_openssl {

inline constexpr std::size_t kAesBlock = 16;
using AesBlock = std::array<std::uint8_t, kAesBlock>;

// Keys have 16, 24 or 32 bytes; data is whole blocks. Anything else is Errc::usage.
Result<AesBlock> aes_encrypt_block(BytesView key, const AesBlock& block);           // FIPS 197
Result<Bytes> aes_cbc_encrypt(BytesView key, const AesBlock& iv, BytesView plain);  // SP 800-38A 6.2
Result<Secret> aes_cbc_decrypt(BytesView key, const AesBlock& iv, BytesView cipher);
Result<AesBlock> aes_cmac(BytesView key, BytesView message);  // SP 800-38B

}  // namespace camvault::crypto_openssl

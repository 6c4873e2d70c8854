// What can be made of a secret without giving it away.
#pragma once

#include <cstdint>
#include <string_view>

#include "camvault/base/bytes.h"

namespace camvault::keystore {

enum class Kdf : std::uint8_t {
  hkdf_sha256,    // RFC 5869: salt and info of any length
  pbkdf2_sha256,  // RFC 8018 5.2 with HMAC-SHA256: salt of 8 bytes or more, rounds; no info
  wpa_psk,        // IEEE 802.11 J.4.1: PBKDF2-HMAC-SHA1, salt = SSID (1 to 32 bytes), 4096 rounds, 32 bytes
};
std::string_view to_string(Kdf kdf);  // "hkdf-sha256", "pbkdf2-sha256", "wpa-psk"
Result<Kdf> kdf_from_string(std::string_view text);

inline constexpr std::size_t kMaxDerived = 512;
inline constexpr std::size_t kMinPbkdf2Salt = 8;
inline constexpr std::size_t kMaxSsid = 32;
inline constexpr std::uint32_t kWpaRounds = 4096;
inline constexpr std::size_t kWpaPsk = 32;
inline constexpr std::uint32_t kMinRounds = 1000;     // SP 800-132 5.2
inline constexpr std::uint32_t kMaxRounds = 1000000;  // a second or so: longer holds up others

struct Derivation {
  Kdf kdf = Kdf::hkdf_sha256;
  BytesView salt = {};
  BytesView info = {};       // hkdf_sha256 only
  std::uint32_t rounds = 0;  // 0 for hkdf_sha256; kWpaRounds for wpa_psk
  std::uint32_t size = 0;    // bytes wanted, 1 to kMaxDerived
};

// Errc::usage if the fields do not fit together.
Status check_derivation(const Derivation& derivation);

}  // namespace camvault::keystore

#include "camvault/network/connection.h"

namespace camvault::network {

Result<Secret> wifi_key(keystore::Keystore& keystore, std::string_view key_name, BytesView ssid) {
  CAM_TRY(const auto name, keystore::KeyName::parse(key_name));
  const keystore::Derivation derivation{.kdf = keystore::Kdf::wpa_psk,
                                        .salt = ssid,
                                        .info = {},
                                        .rounds = keystore::kWpaRounds,
                                        .size = keystore::kWpaPsk};
  CAM_TRY(const auto key, keystore.derive({name, keystore::Purpose::wifi_psk}, derivation));
  return key.reveal([](BytesView bytes) {
    return Secret::make(2 * bytes.size(), [&](std::span<std::uint8_t> out) {
      constexpr char kDigits[] = "0123456789abcdef";
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        out[2 * i] = static_cast<std::uint8_t>(kDigits[bytes[i] >> 4]);
        out[2 * i + 1] = static_cast<std::uint8_t>(kDigits[bytes[i] & 15]);
      }
    });
  });
}

}  // namespace camvault::network

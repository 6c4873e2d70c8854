// The configuration that wpa_supplicant reads: which server may be believed, which certificate and key are
// shown. No secret is ever in it: private keys are named by a PKCS#11 URI, and what a Wi-Fi network needs is
// given through the control socket when it is asked for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"

namespace camvault::network {

// Whom the camera believes to be the network. There is no value that means "anybody":
// render_supplicant_config refuses a policy without anchors or without names, and there is no connection
// then.
struct ServerPolicy {
  std::filesystem::path anchors;  // PEM, absolute: the certificate authorities of the authentication servers
  std::vector<std::string>
      names;  // of the servers, as in subjectAltName dNSName (RFC 6125); one must be equal
};
// 1 to 253 characters of [A-Za-z0-9.-], no empty label: a name that can be compared and cannot end a line.
bool is_server_name(std::string_view text);

inline constexpr std::size_t kMaxServerNames = 16;
inline constexpr std::size_t kMaxNetworks = 8;
inline constexpr std::size_t kMaxPath = 1024;

// One certificate to show, by EAP-TLS (RFC 5216, RFC 9190).
struct ClientIdentity {
  std::filesystem::path chain;  // PEM, leaf first, absolute
  std::string key_uri;          // "pkcs11:..."
};

struct WifiNetwork {
  Bytes ssid;               // 1 to 32 bytes
  bool passphrase = false;  // WPA2-PSK; its key comes by the control socket (mem_only_psk). False: EAP-TLS
};

struct SupplicantConfig {
  std::filesystem::path control_folder;    // absolute; where wpa_supplicant makes its control socket
  ServerPolicy server;                     // not needed for a network with a passphrase
  std::vector<ClientIdentity> identities;  // network 0, 1, ...: all of them off until one is selected
  std::optional<WifiNetwork> wifi;         // none: wired
  // The clock is known to be wrong (time_policy.h): certificates are not judged by it. Everything else is.
  bool ignore_times = false;
};

// The text. Errc::denied without a server policy, Errc::usage for anything that could end a line or a string.
Result<std::string> render_supplicant_config(const SupplicantConfig& config);

// "pkcs11:token=Camvault;object=camera%2Fidevid;type=private" (RFC 7512)
std::string key_uri(std::string_view key_name);

}  // namespace camvault::network

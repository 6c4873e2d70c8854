#include "camvault/network/supplicant_config.h"

#include <algorithm>

namespace camvault::network {

namespace {
bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// wpa_supplicant's "..." has no escapes: a string ends at the last quote of the line.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPath && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != 0x7f;
  });
}

Result<std::string> quoted_path(const std::filesystem::path& path) {
  if (!path.is_absolute() || !is_plain(path.native()))
    return fail(Errc::usage,
                "a path in the supplicant's configuration is absolute, and has no quotes or line feeds");
  return "\"" + path.native() + "\"";
}

Result<std::string> server_lines(const ServerPolicy& policy, bool ignore_times) {
  if (policy.anchors.empty() || policy.names.empty())
    return fail(
        Errc::denied,
        "no certificate authority or no name of the authentication server is configured: no connection");
  if (policy.names.size() > kMaxServerNames) return fail(Errc::limit, "at most 16 names of servers");
  CAM_TRY(const auto anchors, quoted_path(policy.anchors));
  std::string names;
  for (const auto& name : policy.names) {
    if (!is_server_name(name)) return fail(Errc::usage, "a server's name is a DNS name without wildcards");
    names += (names.empty() ? "" : ";") + name;
  }
  // RFC 9190 and 5216 5.3: path, name and usage of the server's certificate. TLS 1.0 and 1.1 are gone (RFC
  // 8996).
  return "  ca_cert=" + anchors + "\n  domain_match=\"" + names +
         "\"\n  phase1=\"tls_disable_tlsv1_0=1 tls_disable_tlsv1_1=1 tls_disable_tlsv1_3=0" +
         (ignore_times ? " tls_disable_time_checks=1" : "") + "\"\n";
}

Result<std::string> identity_lines(const ClientIdentity& identity) {
  CAM_TRY(const auto chain, quoted_path(identity.chain));
  if (!identity.key_uri.starts_with("pkcs11:") || !is_plain(identity.key_uri))
    return fail(Errc::usage, "the key of a network is a PKCS#11 URI: keys are not in files");
  // RFC 9190 2.1.8: who the camera is stands in the certificate, and nothing of it where all can read it.
  return "  eap=TLS\n  identity=\"camera\"\n  client_cert=" + chain + "\n  private_key=\"" +
         identity.key_uri + "\"\n";
}

std::string wifi_lines(const WifiNetwork& wifi) {
  return "  ssid=" + to_hex(wifi.ssid) + "\n  proto=RSN\n  pairwise=CCMP\n  group=CCMP\n  ieee80211w=1\n";
}
}  // namespace

bool is_server_name(std::string_view text) {
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '-'; });
}

std::string key_uri(std::string_view key_name) {
  std::string escaped;
  for (const char c : key_name) {
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_') {
      escaped += c;
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      escaped += "%" + to_hex(BytesView(&byte, 1));
    }
  }
  return "pkcs11:token=Camvault;object=" + escaped + ";type=private";
}

Result<std::string> render_supplicant_config(const SupplicantConfig& config) {
  if (config.wifi && (config.wifi->ssid.empty() || config.wifi->ssid.size() > 32))
    return fail(Errc::usage, "the name of a Wi-Fi network has 1 to 32 bytes");
  if (!config.control_folder.is_absolute() || !is_plain(config.control_folder.native()) ||
      config.control_folder.native().find(' ') != std::string::npos)
    return fail(Errc::usage, "the folder of the control socket is an absolute path without spaces");

  std::string text =
      "# Written by camvault network. It holds no secret; changes are lost.\nctrl_interface=DIR=" +
      config.control_folder.native() + "\nupdate_config=0\n" +
      (config.wifi ? "ap_scan=1\n" : "ap_scan=0\neapol_version=2\n");
  if (config.wifi && config.wifi->passphrase) {
    return text + "network={\n  disabled=1\n" + wifi_lines(*config.wifi) +
           "  key_mgmt=WPA-PSK\n  mem_only_psk=1\n}\n";
  }
  if (config.identities.empty()) return fail(Errc::not_found, "the camera has no identity to show");
  if (config.identities.size() > kMaxNetworks) return fail(Errc::limit, "at most 8 identities");
  CAM_TRY(const auto server, server_lines(config.server, config.ignore_times));
  for (const auto& identity : config.identities) {
    CAM_TRY(const auto lines, identity_lines(identity));
    text += "network={\n  disabled=1\n" +
            (config.wifi ? wifi_lines(*config.wifi) + "  key_mgmt=WPA-EAP\n"
                         : "  key_mgmt=IEEE8021X\n  eapol_flags=0\n") +
            server + lines + "}\n";
  }
  return text;
}

}  // namespace camvault::network

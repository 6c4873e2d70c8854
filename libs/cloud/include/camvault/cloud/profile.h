// How one cloud wants to be spoken to: a TOML file (docs/cloud.md). Texts may hold {serial} and
// {common_name}, of the certificate that the camera shows, and {host}; those of a message {topic}, what its
// sender calls it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "camvault/base/result.h"

namespace camvault::cloud {

inline constexpr std::size_t kMaxTopic = 1024;  // bytes; MQTT allows 65535

enum class Transport : std::uint8_t { mqtt, https };

struct Profile {
  Transport transport = Transport::mqtt;
  std::string host;
  std::uint16_t port = 8883;

  // MQTT:
  std::string client_id = "{serial}";
  std::string username;  // empty: none is sent
  std::string topic = "devices/{serial}/{topic}";
  std::chrono::seconds keepalive{60};

  // HTTPS:
  std::string target;  // path and query; {id}: of the message
  std::string method = "POST";
  std::string content_type = "application/octet-stream";

  std::filesystem::path anchors;             // PEM; of the server
  std::vector<std::filesystem::path> lists;  // revocation lists, PEM or DER
  std::string key = "camera/idevid";         // in the keystore
  std::string chain = "idevid-chain.pem";    // in the camera's identity folder, unless absolute
  // TLS-PSK instead of certificates (NC-1-2): then there are no anchors, and no key.
  std::string psk_identity;
  std::string psk_key;  // in the keystore, of the purpose tls-psk
  bool secrets_in_keystore = false;
};

// Relative paths in the file are relative to it. Errc::usage with the place; Errc::denied if others can write
// it.
Result<Profile> load_profile(const std::filesystem::path& file);

// Who the camera is, as its certificate says; with a PSK, its identity.
struct Device {
  std::string serial;
  std::string common_name;
};

// The texts with their places filled in. Errc::usage for a name that could be taken for several (/, +, #,
// "..", control characters) or that is empty and needed. `name`: the message's topic; `id`: its id.
Result<std::string> client_id(const Profile& profile, const Device& device);
Result<std::string> username(const Profile& profile, const Device& device);
Result<std::string> topic(const Profile& profile, const Device& device, const std::string& name);
Result<std::string> target(const Profile& profile, const Device& device, const std::string& name,
                           const std::string& id);
// The topic or the URL, for people: the id is not filled in.
Result<std::string> destination(const Profile& profile, const Device& device, const std::string& name);

// A message that says it is another device's is not sent (NC-2-3): JSON objects with a member "device" or
// "serial" that is not this one. Errc::denied.
Status check_payload(std::string_view payload, const Device& device);

}  // namespace camvault::cloud

// network.toml: whom the camera believes to be the network. The owner's (etc/camvault) or, until there is
// one, the maker's (usr/share/camvault), which is part of the firmware: a camera in factory-default state
// needs no other.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "camvault/network/supplicant_config.h"

namespace camvault::cli {

struct NetworkSettings {
  std::filesystem::path file;  // that was read
  bool owners = false;         // the owner's; else the maker's
  network::ServerPolicy server;
  std::string wired_interface;  // empty: the only one, or eth0
  std::string wifi_interface = "wlan0";
  std::optional<network::WifiNetwork> wifi;
  std::string wifi_key;  // the passphrase in the keystore
  // Run in the provisioning network while there is no identity of the owner's; [0] is the program's path.
  std::vector<std::string> provisioning_command;
};

// Errc::not_found if there is none of the two, Errc::denied if others can change it, Errc::usage for what is
// wrong in it.
Result<NetworkSettings> read_network_settings(const std::filesystem::path& root);

}  // namespace camvault::cli

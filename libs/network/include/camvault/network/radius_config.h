// The files of an authentication server that admits cameras: FreeRADIUS 3.2 with the ready configuration of
// packaging/network/freeradius. By issuer and serial number: a factory identity comes into the provisioning
// network, one of the owner's into production, and nothing else anywhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/result.h"

namespace camvault::network {

inline constexpr std::size_t kMaxRadiusDevices = 1'000'000;

struct RadiusSite {
  // Issuers as FreeRADIUS shows them: crypto_openssl::one_line_names.
  std::vector<std::string> idevid_issuers;  // at least one
  std::vector<std::string> ldevid_issuers;  // none: nobody comes into production
  std::vector<std::string> serials;         // of the cameras that are ours
  std::uint16_t provisioning_vlan = 10;     // 1 to 4094
  std::uint16_t production_vlan = 20;

  std::string listen_address = "127.0.0.1";
  std::uint16_t listen_port = 1812;
  std::filesystem::path folder;              // of these files, absolute
  std::filesystem::path server_certificate;  // PEM with its chain, absolute
  std::filesystem::path server_key;
};

struct RadiusFiles {
  std::string radiusd_conf;  // packaging/network/freeradius/radiusd.conf, as it is
  std::string site_conf;
  std::string issuers_conf;
  std::string devices;
};
// Errc::usage for a value that could end a string or a line of these files.
Result<RadiusFiles> render_radius_files(const RadiusSite& site);

// One entry of clients.conf. `name`: [a-z0-9-]; `address`: an IP address or prefix; `secret`: hexadecimal
// digits.
Result<std::string> render_radius_client(std::string_view name, std::string_view address,
                                         std::string_view secret);

}  // namespace camvault::network

#include "network_settings.h"

#include "camvault/keystore/derivation.h"
#include "camvault/keystore/key_name.h"
#include "camvault/network/link.h"
#include "camvault/settings/table.h"

namespace camvault::cli {

namespace {
namespace fs = std::filesystem;
using settings::Table;

constexpr std::size_t kMaxCommandWords = 16;

Status read_server(const Table& in, NetworkSettings& out) {
  CAM_TRY_STATUS(in.only({"anchors", "names"}));
  std::string anchors;
  CAM_TRY_STATUS(in.read("anchors", anchors));
  // Of the same folder, unless it says otherwise: maker and owner each deliver theirs together.
  if (!anchors.empty()) out.server.anchors = fs::absolute(out.file.parent_path() / anchors);
  return in.read("names", out.server.names);
}

Status read_wired(const Table& in, NetworkSettings& out) {
  CAM_TRY_STATUS(in.only({"interface"}));
  CAM_TRY_STATUS(in.read("interface", out.wired_interface));
  if (!out.wired_interface.empty() && !network::is_interface_name(out.wired_interface))
    return in.wrong("interface", "no name of a network interface");
  return ok();
}

Status read_wifi(const Table& in, NetworkSettings& out) {
  CAM_TRY_STATUS(in.only({"interface", "ssid", "key"}));
  CAM_TRY_STATUS(in.read("interface", out.wifi_interface));
  if (!network::is_interface_name(out.wifi_interface))
    return in.wrong("interface", "no name of a network interface");
  std::string ssid;
  CAM_TRY_STATUS(in.read("ssid", ssid));
  if (ssid.empty() || ssid.size() > keystore::kMaxSsid) return in.wrong("ssid", "1 to 32 bytes");
  CAM_TRY_STATUS(in.read("key", out.wifi_key));
  // A passphrase written here by mistake is refused, and not repeated in an error.
  if (!out.wifi_key.empty() && !keystore::KeyName::parse(out.wifi_key))
    return in.wrong("key", "the name of a secret in the keystore, as camera/wifi, never the passphrase");
  out.wifi = network::WifiNetwork{to_bytes(as_bytes(ssid)), !out.wifi_key.empty()};
  return ok();
}

Status read_provisioning(const Table& in, NetworkSettings& out) {
  CAM_TRY_STATUS(in.only({"command"}));
  CAM_TRY_STATUS(in.read("command", out.provisioning_command));
  if (out.provisioning_command.size() > kMaxCommandWords) return in.wrong("command", "at most 16 words");
  if (!out.provisioning_command.empty() && !fs::path(out.provisioning_command[0]).is_absolute())
    return in.wrong("command", "the program's whole path comes first");
  return ok();
}

Result<NetworkSettings> read_settings(const fs::path& file, bool owners) {
  // Whoever writes this file decides which network the camera believes.
  CAM_TRY_STATUS(settings::check_only_owner_writes(file));
  CAM_TRY(const auto top, Table::load(file));
  CAM_TRY_STATUS(top.only({"server", "wired", "wifi", "provisioning"}));
  NetworkSettings out;
  out.file = file;
  out.owners = owners;
  struct Section {
    std::string_view name;
    Status (*read)(const Table&, NetworkSettings&);
  };
  for (const auto& section : {Section{"server", read_server}, Section{"wired", read_wired},
                              Section{"wifi", read_wifi}, Section{"provisioning", read_provisioning}}) {
    CAM_TRY(const auto table, top.table(section.name));
    if (table) CAM_TRY_STATUS(section.read(*table, out));
  }
  return out;
}
}  // namespace

Result<NetworkSettings> read_network_settings(const fs::path& root) {
  std::error_code error;
  for (const bool owners : {true, false}) {
    const auto file = root / (owners ? "etc/camvault/network.toml" : "usr/share/camvault/network.toml");
    if (fs::exists(file, error)) return read_settings(file, owners);
  }
  return fail(Errc::not_found, "no " + (root / "etc/camvault/network.toml").string() +
                                   " and none of the maker's in usr/share/camvault: nobody says which "
                                   "authentication server to believe, so there is no connection");
}

}  // namespace camvault::cli

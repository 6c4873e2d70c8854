#include "camvault/network/radius_config.h"

#include <algorithm>

#include "radius_template.h"

namespace camvault::network {

namespace {
bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_made_of(std::string_view text, std::string_view more, std::size_t limit) {
  return !text.empty() && text.size() <= limit && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || more.find(c) != std::string_view::npos;
  });
}

// FreeRADIUS' single quotes: nothing is expanded in them; a quote and a backslash are escaped.
Result<std::string> single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e)
      return fail(Errc::usage, "a name with characters that no configuration can hold");
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

// In site.conf values are bare words after the equals sign.
Result<std::string> path_line(std::string_view key, const std::filesystem::path& path) {
  if (!path.is_absolute() || !is_made_of(path.native(), "/._-+,:@", 1024))
    return fail(Errc::usage, "a path of the RADIUS server is absolute and has no spaces or quotes");
  return std::string(key) + " = " + path.native() + "\n";
}

Result<std::string> issuer_test(const std::vector<std::string>& issuers) {
  std::string test;
  for (const auto& issuer : issuers) {
    CAM_TRY(const auto text, single_quoted(issuer));
    test += (test.empty() ? "" : " || ") + ("(&TLS-Client-Cert-Issuer == " + text + ")");
  }
  return test;
}

Result<std::string> render_issuers(const RadiusSite& site) {
  if (site.idevid_issuers.empty()) return fail(Errc::usage, "no authority of a factory");
  for (const auto& issuer : site.ldevid_issuers) {
    if (std::find(site.idevid_issuers.begin(), site.idevid_issuers.end(), issuer) !=
        site.idevid_issuers.end())
      return fail(Errc::usage, "an authority of the factory and one of the owner have the same name");
  }
  CAM_TRY(const auto idevid, issuer_test(site.idevid_issuers));
  CAM_TRY(const auto ldevid, issuer_test(site.ldevid_issuers));
  const auto branch = [](const std::string& test, std::string_view kind) {
    return "if (" + test + ") {\n\tupdate request {\n\t\t&Tmp-String-0 := \"" + std::string(kind) +
           "\"\n\t}\n}\n";
  };
  return "# Written by camvault network radius.\n" + branch(idevid, "idevid") +
         (ldevid.empty() ? "" : "els" + branch(ldevid, "ldevid")) +
         "else {\n\tupdate request {\n\t\t&Module-Failure-Message += \"camvault: certificates of "
         "%{TLS-Client-Cert-Issuer} admit nobody\"\n\t}\n\treject\n}\n";
}

Result<std::string> render_devices(const RadiusSite& site) {
  for (const auto vlan : {site.provisioning_vlan, site.production_vlan}) {
    if (vlan < 1 || vlan > 4094) return fail(Errc::usage, "a VLAN has a number from 1 to 4094 (IEEE 802.1Q)");
  }
  if (site.provisioning_vlan == site.production_vlan)
    return fail(Errc::usage, "provisioning and production are different networks");
  if (site.serials.size() > kMaxRadiusDevices) return fail(Errc::limit, "too many devices");
  const auto entry = [](std::string_view kind, const std::string& serial, std::uint16_t vlan) {
    return "\"" + std::string(kind) + " " + serial +
           "\"\n\tTunnel-Type = VLAN,\n\tTunnel-Medium-Type = IEEE-802,\n\tTunnel-Private-Group-Id = \"" +
           std::to_string(vlan) + "\"\n";
  };
  std::string text = "# Written by camvault network radius: who may come in, and into which VLAN.\n";
  for (const auto& serial : site.serials) {
    if (!is_made_of(serial, ".:-", 64))
      return fail(Errc::usage, "a serial number that no certificate can have");
    text += entry("idevid", serial, site.provisioning_vlan);
    if (!site.ldevid_issuers.empty()) text += entry("ldevid", serial, site.production_vlan);
  }
  return text;
}

Result<std::string> render_site(const RadiusSite& site) {
  if (!is_made_of(site.listen_address, ".:*", 45))
    return fail(Errc::usage, "the address to listen at is an IP address");
  CAM_TRY(const auto folder, path_line("raddbdir", site.folder));
  CAM_TRY(const auto certificate, path_line("server_certificate", site.server_certificate));
  CAM_TRY(const auto key, path_line("server_key", site.server_key));
  return "# Written by camvault network radius.\n" + folder +
         "confdir = ${raddbdir}\nrundir = ${raddbdir}/run\nlisten_address = " + site.listen_address +
         "\nlisten_port = " + std::to_string(site.listen_port) + "\n" + certificate + key;
}
}  // namespace

Result<RadiusFiles> render_radius_files(const RadiusSite& site) {
  RadiusFiles files;
  files.radiusd_conf = kRadiusdConf;
  CAM_TRY(files.site_conf, render_site(site));
  CAM_TRY(files.issuers_conf, render_issuers(site));
  CAM_TRY(files.devices, render_devices(site));
  return files;
}

Result<std::string> render_radius_client(std::string_view name, std::string_view address,
                                         std::string_view secret) {
  if (!is_made_of(name, "-", 64)) return fail(Errc::usage, "a switch's name is of letters, digits and '-'");
  if (!is_made_of(address, ".:/", 64)) return fail(Errc::usage, "a switch has an IP address, or a prefix");
  if (!is_made_of(secret, "", 128) || secret.size() < 16)
    return fail(Errc::usage, "a secret of a switch is at least 16 letters and digits");
  return "client " + std::string(name) + " {\n\tipaddr = " + std::string(address) +
         "\n\tsecret = " + std::string(secret) + "\n\trequire_message_authenticator = yes\n}\n";
}

}  // namespace camvault::network

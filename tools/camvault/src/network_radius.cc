// camvault network radius: the authentication server's files, from a factory's folder.
#include <sys/stat.h>
#include <cstdio>
#include <optional>

#include <nlohmann/json.hpp>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/names.h"
#include "camvault/identity/factory.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/network/radius_config.h"
#include "exit_code.h"
#include "network_options.h"
#include "output_file.h"
#include "trust_options.h"

namespace camvault::cli {

namespace {
namespace fs = std::filesystem;

constexpr std::size_t kMaxListFile = 16 * 1024 * 1024;
constexpr std::size_t kSecretSize = 24;  // bytes; RFC 2865 3 wants 16 at least

struct Options {
  fs::path factory_root;
  std::vector<fs::path> idevid_ca;  // issuers of IDevIDs that are no factory of ours
  std::vector<fs::path> idevid_crl;
  fs::path out;
  fs::path serials;                // one a line; empty: all that the factory issued
  std::vector<fs::path> owner_ca;  // issuers of LDevIDs
  std::vector<fs::path> owner_crl;
  std::vector<std::string> switches;  // NAME=ADDRESS
  network::RadiusSite site;
  bool json = false;
};

Result<std::vector<std::string>> lines_of(const fs::path& path) {
  CAM_TRY(const auto content, read_file(path, kMaxListFile));
  std::vector<std::string> lines;
  std::string_view rest = as_text(content);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (line.ends_with(' ') || line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && !line.starts_with('#')) lines.emplace_back(line);
  }
  return lines;
}

Result<std::string> list_pem(const crypto::Engine& engine, const fs::path& path) {
  CAM_TRY(const auto content, read_file(path, kMaxListFile));
  const auto list = engine.crl_from_pem_or_der(content);
  if (!list) return fail_in(path.string(), list.error());
  return crypto_openssl::revocation_list_pem(*list);
}

// The factory's part: its authorities, their lists, its cameras.
Status take_factory(const Options& options, const crypto::Engine& engine, network::RadiusSite& site,
                    std::string& trust) {
  const auto folder =
      key_source::RootLayout{options.factory_root.empty() ? "/" : options.factory_root}.factory_folder();
  const SystemClock clock;
  CAM_TRY(const auto factory, identity::Factory::open(folder, clock, engine));
  CAM_TRY(const auto names, crypto_openssl::one_line_names(factory.device_ca().der));
  site.idevid_issuers.push_back(names.subject);
  trust += crypto_openssl::certificate_pem(factory.root());
  for (const auto list : {identity::kRootListFile, identity::kDeviceCaListFile}) {
    auto pem = list_pem(engine, folder / list);
    if (!pem)
      return fail(pem.error().code,
                  pem.error().what + " (camvault factory crl --ca root, camvault factory crl --ca device)");
    trust += *pem;
  }
  // Revoked cameras are in the list, too: they are refused by it, under their name.
  if (options.serials.empty()) site.serials = factory.serials();
  return ok();
}

// Authorities in files: the first of each issues the devices' certificates, the last is the root. Only the
// root goes into the server's trust: an issuer that is trusted itself ends the path, and its own revocation
// would not be seen.
Status take_files(const std::vector<fs::path>& authorities, const std::vector<fs::path>& lists,
                  const crypto::Engine& engine, std::vector<std::string>& issuers, std::string& trust) {
  for (const auto& path : authorities) {
    CAM_TRY(const auto chain, certificates_from(engine, path));
    for (const auto& certificate : chain) {
      if (!certificate.is_ca)
        return fail(Errc::usage, path.string() + " holds a certificate that is no authority's");
    }
    CAM_TRY(const auto names, crypto_openssl::one_line_names(chain.front().der));
    issuers.push_back(names.subject);
    if (!engine.is_signed_by(chain.back(), chain.back()))
      return fail(Errc::usage,
                  path.string() + ": the last certificate is no root; its revocation could not be checked");
    trust += crypto_openssl::certificate_pem(chain.back());
  }
  for (const auto& path : lists) {
    CAM_TRY(const auto pem, list_pem(engine, path));
    trust += pem;
  }
  if (!authorities.empty() && lists.empty())
    return fail(
        Errc::usage,
        authorities[0].string() +
            ": its revocation list is missing, and without one of each authority everybody is refused");
  return ok();
}

// Secrets of switches are made here, once, and read by nobody else: not on a command line, not printed. How
// many got one; nothing: clients.conf is there and stays as it is.
Result<std::optional<std::size_t>> write_clients(const Options& options, const crypto::Engine& engine) {
  const auto path = options.out / "clients.conf";
  std::error_code error;
  if (fs::exists(path, error)) return std::nullopt;
  std::string text =
      "# Written by camvault network radius, once. The secrets go into the switches by hand.\n";
  for (const auto& each : options.switches) {
    const auto equals = each.find('=');
    if (equals == std::string::npos) return fail(Errc::usage, "--switch NAME=ADDRESS");
    Bytes random(kSecretSize);
    engine.random(random);
    CAM_TRY(const auto client,
            network::render_radius_client(each.substr(0, equals), each.substr(equals + 1), to_hex(random)));
    text += client;
  }
  CAM_TRY_STATUS(write_file_atomically(path, as_bytes(text), 0640));
  return options.switches.size();
}

void say(const Options& options, const network::RadiusSite& site, std::optional<std::size_t> switches) {
  const bool production = !site.ldevid_issuers.empty();
  if (options.json) {
    nlohmann::ordered_json out{{"folder", site.folder.string()},
                               {"cameras", site.serials.size()},
                               {"provisioning_vlan", site.provisioning_vlan}};
    out["production_vlan"] = production ? nlohmann::ordered_json(site.production_vlan) : nullptr;
    out["new_switches"] = switches ? nlohmann::ordered_json(*switches) : nullptr;
    std::puts(out.dump().c_str());
    return;
  }
  std::printf("  devices        %zu cameras, VLAN %u with the factory's identity%s\n", site.serials.size(),
              static_cast<unsigned>(site.provisioning_vlan),
              production ? (", " + std::to_string(site.production_vlan) + " with the owner's").c_str() : "");
  if (switches) {
    std::printf("  clients.conf   %zu switches, with new secrets\n", *switches);
  } else {
    std::puts("  clients.conf   is there: left as it is");
  }
  std::printf("  freeradius -d %s -f -l stdout\n", site.folder.c_str());
}

Status write(const Options& options) {
  const auto engine = crypto_openssl::make_openssl_engine();
  auto site = options.site;
  std::string trust;
  if (!options.serials.empty()) {
    CAM_TRY(site.serials, lines_of(options.serials));
  }
  if (options.idevid_ca.empty() || !options.factory_root.empty()) {
    CAM_TRY_STATUS(take_factory(options, *engine, site, trust));
  } else if (options.serials.empty()) {
    return fail(Errc::usage, "--serials is missing: no factory's folder says which cameras there are");
  }
  CAM_TRY_STATUS(take_files(options.idevid_ca, options.idevid_crl, *engine, site.idevid_issuers, trust));
  CAM_TRY_STATUS(take_files(options.owner_ca, options.owner_crl, *engine, site.ldevid_issuers, trust));
  const auto out = fs::absolute(options.out);
  site.folder = out;
  site.server_certificate = fs::absolute(site.server_certificate);
  site.server_key = fs::absolute(site.server_key);
  CAM_TRY(const auto files, network::render_radius_files(site));

  std::error_code error;
  fs::create_directories(out / "run", error);
  if (error) return fail(Errc::io, out.string() + ": " + error.message());
  if (::chmod(out.c_str(), 0750) != 0) return fail(Errc::io, out.string() + ": " + errno_text(errno));
  struct File {
    const char* name;
    const std::string* text;
  };
  for (const auto& [name, text] :
       {File{"devices", &files.devices}, File{"trust.pem", &trust}, File{"issuers.conf", &files.issuers_conf},
        File{"site.conf", &files.site_conf}, File{"radiusd.conf", &files.radiusd_conf}})
    CAM_TRY_STATUS(write_file_atomically(out / name, as_bytes(*text), 0640));
  CAM_TRY(const auto switches, write_clients(options, *engine));
  say(options, site, switches);
  return ok();
}
}  // namespace

void add_network_radius(CLI::App& network, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command =
      network.add_subcommand("radius", "files of a FreeRADIUS that admits by issuer and serial number");
  command
      ->add_option("--factory-root", options->factory_root,
                   "folder that holds the factory's state (default /)")
      ->type_name("DIR");
  command
      ->add_option("--idevid-ca", options->idevid_ca,
                   "another issuer of IDevIDs, and what is above it: PEM; admits to provisioning")
      ->type_name("FILE");
  command->add_option("--idevid-crl", options->idevid_crl, "its revocation list, and theirs")
      ->type_name("FILE");
  command->add_option("--out", options->out, "folder of the configuration; its files are replaced one by one")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--serials", options->serials,
                   "serial numbers, one a line (default: all that the factory issued)")
      ->type_name("FILE");
  command
      ->add_option("--owner-ca", options->owner_ca,
                   "issuer of LDevIDs, and what is above it: PEM; admits to production")
      ->type_name("FILE");
  command->add_option("--owner-crl", options->owner_crl, "its revocation list, and theirs")
      ->type_name("FILE");
  command
      ->add_option("--server-cert", options->site.server_certificate,
                   "the server's certificate and chain, PEM")
      ->type_name("FILE")
      ->required();
  command->add_option("--server-key", options->site.server_key, "its key, PEM")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--switch", options->switches,
                   "a switch or access point that may ask; its secret is made here")
      ->type_name("NAME=ADDRESS");
  command->add_option("--listen", options->site.listen_address, "default 127.0.0.1; * for all")
      ->type_name("ADDRESS");
  command->add_option("--port", options->site.listen_port, "default 1812")->type_name("PORT");
  command->add_option("--provisioning-vlan", options->site.provisioning_vlan, "default 10")
      ->type_name("VLAN");
  command->add_option("--production-vlan", options->site.production_vlan, "default 20")->type_name("VLAN");
  command->add_flag("--json", options->json, "for programs");
  command->footer(
      "Run it again when cameras or revocation lists change, then restart FreeRADIUS. clients.conf is "
      "written only once.\n\n"
      "Examples:\n"
      "  camvault network radius --factory-root /srv/factory --out /etc/camvault-radius \\\n"
      "    --server-cert radius.pem --server-key radius.key --switch hall-1=192.0.2.10\n"
      "  camvault network radius --factory-root /srv/factory --out /etc/camvault-radius --serials "
      "delivered.txt \\\n"
      "    --owner-ca owner-ca.pem --owner-crl owner.crl --server-cert radius.pem --server-key radius.key");
  command->callback([options, &exit_code] { exit_code = finish_keystore(write(*options)); });
}

}  // namespace camvault::cli

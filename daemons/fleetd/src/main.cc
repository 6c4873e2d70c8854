// fleetd: the owner's registrar. EST and BRSKI for cameras, a page and JSON for operators.
#include <cstdio>

#include "camvault/base/log.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/service/pem_files.h"
#include "camvault/service/process.h"
#include "config.h"
#include "registrar_service.h"

namespace camvault::fleetd {

namespace {
constexpr const char* kHelp =
    "Usage: fleetd [--root DIR] [--ready-fd N | --new-ca]\n"
    "\n"
    "The owner's registrar: EST (RFC 7030) and BRSKI (RFC 8995) for cameras, a status page and JSON for\n"
    "operators, over mutual TLS.\n"
    "Reads DIR/etc/camvault/fleetd.toml, keeps its state in DIR/var/lib/camvault/fleetd, asks the keystored "
    "of DIR.\n"
    "\n"
    "  --root DIR     folder that holds the state (default /)\n"
    "  --new-ca       gives the owner's CA a new key and ends; the old one is believed until it ends. Start "
    "fleetd anew afterwards\n"
    "  --ready-fd N   writes the port to this descriptor when it listens\n"
    "\n"
    "Example: fleetd --root /srv/fleet\n";

Result<AuthoritySettings> settings_of(const crypto::Engine& engine, const Config& config) {
  AuthoritySettings out;
  out.organization = config.organization;
  out.names = config.names;
  out.certificate_validity = std::chrono::hours(config.certificate_hours);
  out.media_validity = std::chrono::hours(config.media_certificate_hours);
  out.require_binding = config.require_binding;
  CAM_TRY(out.device_anchors, service::certificates_in(engine, config.device_anchors));
  CAM_TRY(out.device_lists, service::lists_in(engine, config.device_lists));
  CAM_TRY(out.operator_anchors, service::certificates_in(engine, config.operator_anchors));
  CAM_TRY(out.operator_lists, service::lists_in(engine, config.operator_lists));
  return out;
}

Status run(const service::ProcessOptions& options) {
  const key_source::RootLayout layout{options.root};
  CAM_TRY(const auto config, load_config(options.root / "etc/camvault/fleetd.toml"));
  const auto folder = options.root / "var/lib/camvault/fleetd";
  CAM_TRY_STATUS(service::make_folder(folder));
  const auto engine = crypto_openssl::make_openssl_engine();
  const SystemClock clock;
  const tls::Environment environment{engine.get(), &clock};
  CAM_TRY(auto settings, settings_of(*engine, config));
  const auto database =
      config.database.empty() ? "sqlite:" + (folder / "fleet.db").string() : config.database;
  CAM_TRY(const auto keystore, ipc::connect_keystore(layout.keystore_socket()));
  if (options.flag) {
    CAM_TRY_STATUS(OwnerCas::renew(folder, environment, *keystore, settings.organization));
    std::printf("  the owner's CA has a new key: %s\n", (folder / kCaFile).c_str());
    return ok();
  }
  CAM_TRY(const auto store, Store::open(database));
  CAM_TRY(const auto authority, Authority::open(folder, environment, keystore, *store, std::move(settings)));
  CAM_TRY(auto masa_anchors, service::certificates_in(*engine, config.masa_anchors));
  CAM_TRY(auto masa_lists, service::lists_in(*engine, config.masa_lists));
  Onboarding onboarding(environment, *authority, *store, {std::move(masa_anchors), std::move(masa_lists)});
  RegistrarService registrar(*authority, onboarding, *store, clock);
  CAM_TRY(auto listener, net::Listener::listen(config.listen, config.port));
  log(LogLevel::info, "fleetd listens at " + config.listen + " port " + std::to_string(listener.port()) +
                          "; " + store->describe());
  service::announce(options, listener.port());
  return service::serve(listener, registrar, "fleetd", {}, service::stop_flag());
}
}  // namespace

}  // namespace camvault::fleetd

int main(int argc, char* argv[]) {
  return camvault::service::run_process(argc, argv, "fleetd", camvault::fleetd::kHelp, {"--new-ca", {}},
                                        camvault::fleetd::run);
}

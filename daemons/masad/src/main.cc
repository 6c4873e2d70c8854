// masad: the maker's service. Vouchers that bind a camera and its owner.
#include <cstdio>

#include "camvault/base/log.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/service/pem_files.h"
#include "camvault/service/process.h"
#include "masa_service.h"

namespace camvault::masad {

namespace {
constexpr const char* kHelp =
    "Usage: masad [--root DIR] [--ready-fd N]\n"
    "       masad [--root DIR] --release SERIAL\n"
    "\n"
    "The maker's service for zero touch (MASA, RFC 8995): vouchers that bind a camera and its owner.\n"
    "Reads DIR/etc/camvault/masad.toml, keeps its state in DIR/var/lib/camvault/masad, asks the keystored of "
    "DIR.\n"
    "\n"
    "  --root DIR        folder that holds the state (default /)\n"
    "  --ready-fd N      writes the port to this descriptor when it listens\n"
    "  --release SERIAL  the camera was sold on: it is nobody's again, and the next who asks gets it\n"
    "\n"
    "Example: masad --root /srv/masa\n";

Result<MasaSettings> settings_of(const crypto::Engine& engine, const Config& config) {
  MasaSettings out;
  out.organization = config.organization;
  out.names = config.names;
  out.policy = config.policy;
  out.nonceless_validity = std::chrono::hours(config.nonceless_hours);
  out.rules.nonceless = config.nonceless;
  CAM_TRY(out.rules.device_anchors, service::certificates_in(engine, config.device_anchors));
  CAM_TRY(out.rules.device_lists, service::lists_in(engine, config.device_lists));
  if (config.policy == OwnerPolicy::sales_list) {
    CAM_TRY(out.sales, read_sales_list(config.sales_list));
  }
  return out;
}

Status run(const service::ProcessOptions& options) {
  CAM_TRY(const auto config, load_config(options.root / "etc/camvault/masad.toml"));
  const auto folder = options.root / "var/lib/camvault/masad";
  CAM_TRY_STATUS(service::make_folder(folder));
  const auto database = config.database.empty() ? "sqlite:" + (folder / "masa.db").string() : config.database;
  CAM_TRY(const auto owners, Owners::open(database));
  if (!options.value.empty()) return owners->release(options.value);
  const auto engine = crypto_openssl::make_openssl_engine();
  const SystemClock clock;
  CAM_TRY(auto settings, settings_of(*engine, config));
  CAM_TRY(const auto keystore, ipc::connect_keystore(key_source::RootLayout{options.root}.keystore_socket()));
  CAM_TRY(const auto masa,
          MasaService::open(folder, {engine.get(), &clock}, *keystore, *owners, std::move(settings)));
  CAM_TRY(auto listener, net::Listener::listen(config.listen, config.port));
  log(LogLevel::info, "masad listens at " + config.listen + " port " + std::to_string(listener.port()));
  service::announce(options, listener.port());
  return service::serve(listener, *masa, "masad", {}, service::stop_flag());
}
}  // namespace

}  // namespace camvault::masad

int main(int argc, char* argv[]) {
  return camvault::service::run_process(argc, argv, "masad", camvault::masad::kHelp, {{}, "--release"},
                                        camvault::masad::run);
}

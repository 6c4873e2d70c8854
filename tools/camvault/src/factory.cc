// camvault factory: a hierarchy of certificate authorities, and an identity for each camera. Private keys are
// made in keystores and stay there: the factory's in its own keystored, the camera's in the camera's.
#include <cstdio>
#include <memory>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/identity/factory.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "factory_station.h"

namespace camvault::cli {

namespace {
struct Options {
  std::filesystem::path root = "/";
  std::filesystem::path keystore;
  std::filesystem::path root_keystore;
  std::string key_type = "ec-p256";
  std::string serial;
  std::string cause = "key-compromise";
  std::string ca = "device";
  unsigned days = 0;  // 0: what is usual for the list
  bool revoke_device_ca = false;
  bool json = false;
  identity::FactorySettings settings;

  key_source::RootLayout layout() const { return {root}; }
};

// AX-2.1-5: the root key can be in a keystore of its own, which is switched off when it is not needed.
Result<KeystoreHandle> root_keystore_of(const Options& options) {
  return connect_below(options.root,
                       options.root_keystore.empty() ? options.keystore : options.root_keystore);
}

Status init(const Options& options) {
  const auto folder = options.layout().factory_folder();
  CAM_TRY(const auto type, keystore::key_type_from_string(options.key_type));
  CAM_TRY(const auto store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto root_store, root_keystore_of(options));
  CAM_TRY(const auto root_key, made_key(*root_store, kFactoryRootKey, type, keystore::Purpose::ca_signing));
  CAM_TRY(const auto device_ca_key,
          made_key(*store, kFactoryDeviceCaKey, type, keystore::Purpose::ca_signing));
  const SystemClock clock;
  const auto engine = crypto_openssl::make_openssl_engine();
  CAM_TRY(const auto log_key,
          made_key(*store, kFactoryLogKey, keystore::KeyType::ec_p256, keystore::Purpose::audit_signing));
  CAM_TRY(auto factory,
          identity::Factory::init(folder, options.settings, *root_key, *device_ca_key, clock, *engine));
  CAM_TRY_STATUS(factory.certify_log_signer(*root_key, log_key->spki_der()));
  CAM_TRY_STATUS(factory.use_log_key(*log_key));
  CAM_TRY_STATUS(factory.checkpoint());
  std::printf("  root CA    %s\n             %s\n  device CA  %s\n             %s\n",
              report::printable(factory.root().subject).c_str(), (folder / identity::kRootCaFile).c_str(),
              report::printable(factory.device_ca().subject).c_str(),
              (folder / identity::kDeviceCaFile).c_str());
  return ok();
}

Status list(const Options& options) {
  CAM_TRY(const auto opened, open_factory_below(options.root));
  for (const auto& serial : opened->factory->serials())
    std::printf("%s\n", report::printable(serial).c_str());
  return ok();
}

// What is printed on the camera and its box. The same two things are in its certificate and its API.
Status label(const Options& options) {
  CAM_TRY(const auto opened, open_factory_below(options.root));
  CAM_TRY(const auto issued, opened->factory->issued(options.serial));
  if (options.json) {
    std::fputs(identity::identity_card(issued.identity.device_serial, issued.identity).c_str(), stdout);
  } else {
    std::printf("%s\nS/N %s\nSHA-256 %s\n", report::printable(issued.identity.common_name).c_str(),
                issued.identity.device_serial.c_str(), issued.identity.sha256.c_str());
  }
  return ok();
}

Status revoke(const Options& options) {
  CAM_TRY(const auto store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  CAM_TRY(const auto device_ca_key, issuing_key(*store, factory));
  CAM_TRY(const auto log_key, log_key_of(*store, factory));
  const auto cause = options.cause == "superseded" ? identity::RevocationCause::superseded
                     : options.cause == "cessation-of-operation"
                         ? identity::RevocationCause::cessation_of_operation
                         : identity::RevocationCause::key_compromise;
  CAM_TRY_STATUS(factory.revoke(*device_ca_key, options.serial, cause));
  // Certificates of other authorities are in the lists of those.
  for (const auto& name : factory.authorities()) {
    if (name == factory.device_ca_name()) continue;
    const auto key = existing_key(*store, "factory/" + name, keystore::Purpose::ca_signing);
    if (key) CAM_TRY_STATUS(factory.publish_device_ca_list(**key, std::chrono::days(30)));
  }
  CAM_TRY_STATUS(factory.checkpoint());
  std::printf("  %s is revoked; the list is in %s\n", options.serial.c_str(),
              (factory.folder() / (factory.device_ca_name() + ".crl.pem")).c_str());
  return ok();
}

// A list is signed anew before the last one ends. The root's is needed seldom and its key is locked away, so
// that it is valid for long.
Status publish_list(const Options& options) {
  const bool root = options.ca == "root";
  if (options.revoke_device_ca && !root)
    return fail(Errc::usage, "--revoke-device-ca is for the root's list (--ca root)");
  CAM_TRY(const auto store, root ? root_keystore_of(options) : connect_below(options.root, options.keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  const auto name = options.ca == "device" ? factory.device_ca_name() : options.ca;
  CAM_TRY(const auto key,
          existing_key(*store, root ? kFactoryRootKey : "factory/" + name, keystore::Purpose::ca_signing));
  const std::chrono::days validity(options.days != 0 ? options.days : root ? 365 : 30);
  CAM_TRY(const auto crl, root ? factory.publish_root_list(*key, validity, options.revoke_device_ca)
                               : factory.publish_device_ca_list(*key, validity));
  CAM_TRY_STATUS(checkpoint_if_possible(*opened, options.root, options.keystore));
  if (options.revoke_device_ca)
    std::printf("  the device CA is revoked, for all cameras and all times; it issues nothing any more\n");
  const auto file = root ? std::string(identity::kRootListFile) : name + ".crl.pem";
  std::printf("  the list is in %s, valid until %s\n", (factory.folder() / file).c_str(),
              crl.next_update ? to_iso8601(*crl.next_update).c_str() : "?");
  return ok();
}
}  // namespace

void add_factory(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("factory", "certificate authorities, and an identity for each camera");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  camvault factory init --root /srv/factory --organization 'Example Cameras'\n  camvault "
      "factory provision --root /srv/factory --camera-root /srv/camera1 --serial EX-000042");

  auto options = std::make_shared<Options>();
  const auto add = [&](const std::string& name, const std::string& description,
                       Status (*run)(const Options&)) {
    auto* added = add_factory_command(
        *command, name, description, [options, run] { return run(*options); }, exit_code);
    add_root_option(*added, options->root);
    if (name != "list" && name != "label") add_keystore_option(*added, options->keystore);
    return added;
  };
  const auto add_root_keystore = [&](CLI::App& to) {
    to.add_option("--root-keystore", options->root_keystore,
                  "socket of the keystored that holds the root key (default the factory's)")
        ->type_name("SOCKET");
  };
  auto* init_command = add("init", "make the root CA and the device CA", init);
  init_command
      ->add_option("--organization", options->settings.organization, "name of the maker in all certificates")
      ->type_name("NAME")
      ->required();
  init_command->add_option("--country", options->settings.country, "two letters")->type_name("CC");
  init_command
      ->add_option("--product", options->settings.product,
                   "first part of each camera's name (default Camvault camera)")
      ->type_name("NAME");
  init_command->add_flag_callback(
      "--no-supplement", [settings = &options->settings] { settings->media_supplement = false; },
      "for cameras that sign the pictures alone: their certificates do not promise that sound, times and "
      "decoder "
      "parameters are signed too, and nobody finds out when these signatures are taken away");
  add_root_keystore(*init_command);
  init_command->add_flag("--orders-required", options->settings.orders_required,
                         "nothing is issued before there is an order (camvault factory order)");
  add_key_type_option(*init_command, options->key_type, "kind of the two CA keys");
  init_command->footer(
      "The keys factory/root-ca, factory/device-ca and factory/issue-log are made inside keystored, the "
      "first in\n"
      "another one with --root-keystore, which can then be switched off.\n"
      "Give root-ca.pem to everybody who verifies video (camvault verify --trust).\n\n"
      "Examples:\n  camvault factory init --root /srv/factory --organization 'Example Cameras' --country SE");

  add_factory_provision(*command, exit_code);
  add_factory_enroll(*command, exit_code);
  add_factory_line(*command, exit_code);
  add_factory_care(*command, exit_code);
  add_factory_routes(*command, exit_code);

  options = std::make_shared<Options>();
  add("list", "serial numbers of all cameras issued", list)
      ->footer("Examples:\n  camvault factory list --root /srv/factory");

  options = std::make_shared<Options>();
  auto* label_command = add("label", "what is printed on a camera: its serial number and fingerprint", label);
  label_command->add_option("--serial", options->serial, "serial number of the camera")
      ->type_name("SERIAL")
      ->required();
  label_command->add_flag("--json", options->json, "as the camera's own identity.json has it");
  label_command->footer(
      "The fingerprint is of the camera's first identity (IDevID).\n\n"
      "Examples:\n  camvault factory label --root /srv/factory --serial EX-000042");

  options = std::make_shared<Options>();
  auto* revoke_command = add("revoke", "revoke all certificates of a camera and publish the list", revoke);
  revoke_command->add_option("--serial", options->serial, "serial number of the camera")
      ->type_name("SERIAL")
      ->required();
  revoke_command
      ->add_option(
          "--cause", options->cause,
          "key-compromise (default; counts for old recordings too), superseded, cessation-of-operation")
      ->type_name("CAUSE")
      ->check(CLI::IsMember({"key-compromise", "superseded", "cessation-of-operation"}));
  revoke_command->footer("Examples:\n  camvault factory revoke --root /srv/factory --serial EX-000042");

  options = std::make_shared<Options>();
  auto* crl_command = add("crl", "sign a revocation list anew", publish_list);
  crl_command
      ->add_option("--ca", options->ca,
                   "whose: device (default; tells of cameras, every revoke writes it), root (tells of the "
                   "device CA), or the name of another authority")
      ->type_name("CA");
  add_root_keystore(*crl_command);
  crl_command->add_option("--days", options->days, "how long the list is valid (default 30, the root's 365)")
      ->type_name("N")
      ->check(CLI::Range(1, 3660));
  crl_command->add_flag(
      "--revoke-device-ca", options->revoke_device_ca,
      "with --ca root: the device CA's key was stolen; revoke it for good, and all cameras below it");
  crl_command->footer(
      "The root's list needs the root's key (factory/root-ca). Give both lists to everybody who verifies:\n"
      "camvault verify --crl root-ca.crl.pem --crl device-ca.crl.pem.\n\n"
      "Examples:\n"
      "  camvault factory crl --root /srv/factory --days 14\n"
      "  camvault factory crl --root /srv/factory --ca root\n"
      "  camvault factory crl --root /srv/factory --ca root --revoke-device-ca");
}

}  // namespace camvault::cli

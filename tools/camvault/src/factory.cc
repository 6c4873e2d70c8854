// camvault factory: a hierarchy of certificate authorities, and an identity for each camera. Private keys are
// made in keystores and stay there: the factory's in its own keystored, the camera's in the camera's.
#include <cstdio>
#include <memory>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/identity/device.h"
#include "camvault/identity/factory.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"

namespace camvault::cli {

namespace {
constexpr const char* kRootKey = "factory/root-ca";
constexpr const char* kDeviceCaKey = "factory/device-ca";
constexpr const char* kIdentityKey = "camera/idevid";
constexpr const char* kMediaSigningKey = "camera/media-signing";
constexpr const char* kAttestationKey = "camera/attestation";

using Store = std::shared_ptr<keystore::Keystore>;

struct Options {
  std::filesystem::path root = "/";
  std::filesystem::path keystore;
  std::filesystem::path camera_root;
  std::filesystem::path camera_keystore;
  std::string key_type = "ec-p256";
  std::string serial;
  std::string cause = "key-compromise";
  std::string ca = "device";
  unsigned days = 0;  // 0: what is usual for the list
  bool revoke_device_ca = false;
  identity::FactorySettings settings;

  key_source::RootLayout layout() const { return {root}; }
};

Result<Store> connect(const std::filesystem::path& socket, const key_source::RootLayout& layout) {
  return ipc::connect_keystore(socket.empty() ? layout.keystore_socket() : socket);
}

// The key of that name; it is made if it is not there, and must then be for the same purpose.
Result<std::shared_ptr<crypto::SigningKey>> key_of(const Store& store, const char* name,
                                                   const std::string& type, keystore::Purpose purpose) {
  CAM_TRY(const auto key_name, keystore::KeyName::parse(name));
  CAM_TRY(const auto key_type, keystore::key_type_from_string(type));
  auto made = store->generate(key_name, key_type, keystore::default_policy(key_type, purpose));
  if (!made && made.error().code != Errc::exists) return fail_in("key " + std::string(name), made.error());
  auto key = store->signing_key({key_name, purpose});
  if (!key) return fail_in("key " + std::string(name), key.error());
  return std::move(*key);
}

Result<std::shared_ptr<crypto::SigningKey>> existing_key(const Store& store, const char* name,
                                                         keystore::Purpose purpose) {
  CAM_TRY(const auto key_name, keystore::KeyName::parse(name));
  auto key = store->signing_key({key_name, purpose});
  if (!key) return fail_in("key " + std::string(name), key.error());
  return std::move(*key);
}

// What every operation on an existing factory needs. The factory refers to clock and engine: they live beside
// it.
struct Opened {
  SystemClock clock;
  std::unique_ptr<crypto::Engine> engine = crypto_openssl::make_openssl_engine();
  std::optional<identity::Factory> factory;
};

Result<std::unique_ptr<Opened>> open_factory(const Options& options) {
  auto opened = std::make_unique<Opened>();
  auto factory = identity::Factory::open(options.layout().factory_folder(), opened->clock, *opened->engine);
  if (!factory && factory.error().code == Errc::not_found) {
    return fail(Errc::not_found, options.layout().factory_folder().string() +
                                     " holds no factory (camvault factory init makes one)");
  }
  if (!factory) return tl::unexpected(factory.error());
  opened->factory.emplace(std::move(*factory));
  return opened;
}

Status init(const Options& options) {
  const auto folder = options.layout().factory_folder();
  CAM_TRY(const auto store, connect(options.keystore, options.layout()));
  CAM_TRY(const auto root_key, key_of(store, kRootKey, options.key_type, keystore::Purpose::ca_signing));
  CAM_TRY(const auto device_ca_key,
          key_of(store, kDeviceCaKey, options.key_type, keystore::Purpose::ca_signing));
  const SystemClock clock;
  const auto engine = crypto_openssl::make_openssl_engine();
  CAM_TRY(const auto factory,
          identity::Factory::init(folder, options.settings, *root_key, *device_ca_key, clock, *engine));
  std::printf("  root CA    %s\n             %s\n  device CA  %s\n             %s\n",
              report::printable(factory.root().subject).c_str(), (folder / identity::kRootCaFile).c_str(),
              report::printable(factory.device_ca().subject).c_str(),
              (folder / identity::kDeviceCaFile).c_str());
  return ok();
}

Status provision(const Options& options) {
  if (!identity::is_device_serial(options.serial)) {
    return fail(Errc::usage,
                "a serial number has 1 to 64 characters out of letters, digits, '.', ':' and '-'");
  }
  const key_source::RootLayout camera{options.camera_root};
  CAM_TRY(const auto factory_store, connect(options.keystore, options.layout()));
  CAM_TRY(const auto camera_store, connect(options.camera_keystore, camera));
  CAM_TRY(const auto device_ca_key, existing_key(factory_store, kDeviceCaKey, keystore::Purpose::ca_signing));
  CAM_TRY(const auto opened, open_factory(options));
  auto& factory = *opened->factory;

  // At the camera: two keys are made inside its keystore; only requests with the public halves come out.
  CAM_TRY(const auto identity_key,
          key_of(camera_store, kIdentityKey, options.key_type, keystore::Purpose::device_identity));
  CAM_TRY(const auto media_key,
          key_of(camera_store, kMediaSigningKey, options.key_type, keystore::Purpose::media_signing));
  CAM_TRY_STATUS(key_of(camera_store, kAttestationKey, "ec-p256", keystore::Purpose::attestation));
  CAM_TRY(auto request, identity::make_provision_request(options.serial, *identity_key, *media_key));
  CAM_TRY(const auto media_name, keystore::KeyName::parse(kMediaSigningKey));
  CAM_TRY(const auto attester_name, keystore::KeyName::parse(kAttestationKey));
  CAM_TRY(request.attestation, camera_store->attest(media_name, attester_name, factory.challenge()));

  // At the factory.
  auto certificates = factory.provision(*device_ca_key, request);
  if (!certificates && certificates.error().code == Errc::exists) {
    // Delivered before and lost on the way? The camera's own check below tells whether they are for its keys.
    auto again = factory.issued(options.serial);
    if (again) certificates = std::move(again);
  }
  if (!certificates) return tl::unexpected(certificates.error());

  // At the camera again: it takes nothing that is not for its keys and does not lead to the root it was told.
  auto fits = identity::check_device_certificates(*opened->engine, *certificates, identity_key->spki_der(),
                                                  media_key->spki_der(), factory.root(), opened->clock.now());
  if (!fits)
    return fail(Errc::exists, "serial number " + options.serial +
                                  " was issued before, to other keys: " + fits.error().what);
  CAM_TRY_STATUS(identity::install_device_certificates(camera.identity_folder(), *certificates));
  std::printf(
      "  device identity  %s\n                   %s\n  media signing    %s\n                   %s\n",
      report::printable(certificates->identity.subject).c_str(), camera.device_identity_chain().c_str(),
      report::printable(certificates->media_signing.subject).c_str(), camera.media_signing_chain().c_str());
  return ok();
}

Status list(const Options& options) {
  CAM_TRY(const auto opened, open_factory(options));
  for (const auto& serial : opened->factory->serials())
    std::printf("%s\n", report::printable(serial).c_str());
  return ok();
}

Status revoke(const Options& options) {
  CAM_TRY(const auto store, connect(options.keystore, options.layout()));
  CAM_TRY(const auto device_ca_key, existing_key(store, kDeviceCaKey, keystore::Purpose::ca_signing));
  CAM_TRY(const auto opened, open_factory(options));
  const auto cause = options.cause == "superseded" ? identity::RevocationCause::superseded
                     : options.cause == "cessation-of-operation"
                         ? identity::RevocationCause::cessation_of_operation
                         : identity::RevocationCause::key_compromise;
  CAM_TRY(const auto crl, opened->factory->revoke(*device_ca_key, options.serial, cause));
  std::printf("  %s is revoked; the list is in %s\n", options.serial.c_str(),
              (options.layout().factory_folder() / identity::kDeviceCaListFile).c_str());
  return ok();
}

// A list is signed anew before the last one ends. The root's is needed seldom and its key is locked away, so
// that it is valid for long.
Status publish_list(const Options& options) {
  const bool root = options.ca == "root";
  if (options.revoke_device_ca && !root)
    return fail(Errc::usage, "--revoke-device-ca is for the root's list (--ca root)");
  CAM_TRY(const auto store, connect(options.keystore, options.layout()));
  CAM_TRY(const auto key, existing_key(store, root ? kRootKey : kDeviceCaKey, keystore::Purpose::ca_signing));
  CAM_TRY(const auto opened, open_factory(options));
  const std::chrono::days validity(options.days != 0 ? options.days : root ? 365 : 30);
  CAM_TRY(const auto crl, root ? opened->factory->publish_root_list(*key, validity, options.revoke_device_ca)
                               : opened->factory->publish_device_ca_list(*key, validity));
  if (options.revoke_device_ca)
    std::printf("  the device CA is revoked, for all cameras and all times; it issues nothing any more\n");
  const auto file =
      options.layout().factory_folder() / (root ? identity::kRootListFile : identity::kDeviceCaListFile);
  std::printf("  the list is in %s, valid until %s\n", file.c_str(),
              crl.next_update ? to_iso8601(*crl.next_update).c_str() : "?");
  return ok();
}

CLI::App* add(CLI::App& parent, const std::shared_ptr<Options>& options, const std::string& name,
              const std::string& description, Status (*run)(const Options&), int& exit_code) {
  auto* command = parent.add_subcommand(name, description);
  command->add_option("--root", options->root, "folder that holds the factory's state (default /)")
      ->type_name("DIR");
  if (name != "list") {
    command
        ->add_option("--keystore", options->keystore,
                     "socket of the factory's keystored (default DIR/run/camvault/keystored.sock)")
        ->type_name("SOCKET");
  }
  command->callback([options, run, &exit_code] {
    const auto done = run(*options);
    exit_code =
        done ? (std::fflush(stdout) == 0 ? kYes : complain(kCannotWrite, "standard output cannot be written"))
             : complain_about(done.error());
  });
  return command;
}

void add_key_type(CLI::App& command, Options& options, const std::string& what) {
  command.add_option("--key-type", options.key_type, what + " (default ec-p256)")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"ec-p256", "ec-p384", "ec-p521", "rsa-2048", "rsa-3072", "rsa-4096"}));
}
}  // namespace

void add_factory(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("factory", "certificate authorities, and an identity for each camera");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  camvault factory init --root /srv/factory --organization 'Example Cameras'\n  camvault "
      "factory provision --root /srv/factory --camera-root /srv/camera1 --serial EX-000042");

  auto options = std::make_shared<Options>();
  auto* init_command = add(*command, options, "init", "make the root CA and the device CA", init, exit_code);
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
  add_key_type(*init_command, *options, "kind of the two CA keys");
  init_command->footer(
      "The keys factory/root-ca and factory/device-ca are made inside the factory's keystored.\n"
      "Give root-ca.pem to everybody who verifies video (camvault verify --trust).\n\n"
      "Examples:\n  camvault factory init --root /srv/factory --organization 'Example Cameras' --country SE");

  options = std::make_shared<Options>();
  auto* provision_command =
      add(*command, options, "provision", "give one camera its identity", provision, exit_code);
  provision_command->add_option("--camera-root", options->camera_root, "folder that holds the camera's state")
      ->type_name("DIR")
      ->required();
  provision_command
      ->add_option("--camera-keystore", options->camera_keystore,
                   "socket of the camera's keystored (default below --camera-root)")
      ->type_name("SOCKET");
  provision_command->add_option("--serial", options->serial, "serial number of the camera; used once, ever")
      ->type_name("SERIAL")
      ->required();
  add_key_type(*provision_command, *options, "kind of the camera's keys");
  provision_command->footer(
      "The keys camera/idevid, camera/media-signing and camera/attestation are made inside the camera's "
      "keystored; "
      "only\n"
      "certificate requests and evidence leave it. The camera checks what comes back before it takes it.\n\n"
      "Examples:\n  camvault factory provision --root /srv/factory --camera-root /srv/camera1 --serial "
      "EX-000042");

  add_factory_enroll(*command, exit_code);

  options = std::make_shared<Options>();
  add(*command, options, "list", "serial numbers of all cameras issued", list, exit_code)
      ->footer("Examples:\n  camvault factory list --root /srv/factory");

  options = std::make_shared<Options>();
  auto* revoke_command = add(*command, options, "revoke",
                             "revoke both certificates of a camera and publish the list", revoke, exit_code);
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
  auto* crl_command = add(*command, options, "crl", "sign a revocation list anew", publish_list, exit_code);
  crl_command
      ->add_option("--ca", options->ca,
                   "whose: device (default; tells of cameras, every revoke writes it) or root (tells of the "
                   "device CA)")
      ->type_name("CA")
      ->check(CLI::IsMember({"device", "root"}));
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

#include "factory_station.h"

#include <cstdio>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/ipc/keystore_client.h"
#include "exit_code.h"

namespace camvault::cli {

namespace {
// An RSA-4096 key takes seconds on a fast machine, and minutes on a camera or in a slow module.
constexpr std::chrono::minutes kPatience{5};
}  // namespace

Result<KeystoreHandle> connect_below(const std::filesystem::path& root, const std::filesystem::path& socket) {
  ipc::ClientOptions options;
  options.timeout = kPatience;
  return ipc::connect_keystore(socket.empty() ? key_source::RootLayout{root}.keystore_socket() : socket,
                               options);
}

Result<KeyHandle> made_key(keystore::Keystore& store, const std::string& name, keystore::KeyType type,
                           keystore::Purpose purpose, std::string_view backend) {
  CAM_TRY(const auto key_name, keystore::KeyName::parse(name));
  auto made = store.generate_in(backend, key_name, type, keystore::default_policy(type, purpose));
  if (!made && made.error().code != Errc::exists) return fail_in("key " + name, made.error());
  return existing_key(store, name, purpose);
}

Result<KeyHandle> existing_key(keystore::Keystore& store, const std::string& name,
                               keystore::Purpose purpose) {
  CAM_TRY(const auto key_name, keystore::KeyName::parse(name));
  auto key = store.signing_key({key_name, purpose});
  if (!key) return fail_in("key " + name, key.error());
  return std::move(*key);
}

Result<std::unique_ptr<OpenedFactory>> open_factory_below(const std::filesystem::path& root) {
  const auto folder = key_source::RootLayout{root}.factory_folder();
  auto opened = std::make_unique<OpenedFactory>();
  opened->engine = crypto_openssl::make_openssl_engine();
  auto factory = identity::Factory::open(folder, opened->clock, *opened->engine);
  if (!factory && factory.error().code == Errc::not_found) {
    return fail(Errc::not_found, folder.string() + " holds no factory (camvault factory init makes one)");
  }
  if (!factory) return tl::unexpected(factory.error());
  opened->factory.emplace(std::move(*factory));
  return opened;
}

Result<KeyHandle> issuing_key(keystore::Keystore& store, const identity::Factory& factory) {
  return existing_key(store, "factory/" + factory.device_ca_name(), keystore::Purpose::ca_signing);
}

Result<KeyHandle> log_key_of(keystore::Keystore& store, identity::Factory& factory) {
  std::error_code error;
  if (!std::filesystem::exists(factory.folder() / identity::kLogSignerFile, error)) return KeyHandle();
  CAM_TRY(auto key, existing_key(store, kFactoryLogKey, keystore::Purpose::audit_signing));
  CAM_TRY_STATUS(factory.use_log_key(*key));
  return key;
}

Status checkpoint_if_possible(OpenedFactory& opened, const std::filesystem::path& root,
                              const std::filesystem::path& socket) {
  const auto store = connect_below(root, socket);
  if (!store) return ok();  // the next command with a keystore signs for this one, too
  CAM_TRY(const auto key, log_key_of(**store, *opened.factory));
  return opened.factory->checkpoint();
}

CLI::App* add_factory_answer(CLI::App& parent, const std::string& name, const std::string& description,
                             std::function<Result<int>()> run, int& exit_code) {
  auto* command = parent.add_subcommand(name, description);
  command->callback([run = std::move(run), &exit_code] {
    const auto done = run();
    exit_code =
        done
            ? (std::fflush(stdout) == 0 ? *done : complain(kCannotWrite, "standard output cannot be written"))
            : complain_about(done.error());
  });
  return command;
}

CLI::App* add_factory_command(CLI::App& parent, const std::string& name, const std::string& description,
                              std::function<Status()> run, int& exit_code) {
  const auto answer = [run = std::move(run)]() -> Result<int> {
    CAM_TRY_STATUS(run());
    return kYes;
  };
  return add_factory_answer(parent, name, description, answer, exit_code);
}

void add_root_option(CLI::App& command, std::filesystem::path& root) {
  command.add_option("--root", root, "folder that holds the factory's state (default /)")->type_name("DIR");
}

void add_keystore_option(CLI::App& command, std::filesystem::path& socket) {
  command
      .add_option("--keystore", socket,
                  "socket of the factory's keystored (default DIR/run/camvault/keystored.sock)")
      ->type_name("SOCKET");
}

void add_camera_options(CLI::App& command, std::filesystem::path& root, std::filesystem::path& socket) {
  command.add_option("--camera-root", root, "folder that holds the camera's state")
      ->type_name("DIR")
      ->required();
  command
      .add_option("--camera-keystore", socket,
                  "socket of the camera's keystored (default below --camera-root)")
      ->type_name("SOCKET");
}

void add_key_type_option(CLI::App& command, std::string& type, const std::string& what) {
  command.add_option("--key-type", type, what + " (default ec-p256)")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"ec-p256", "ec-p384", "ec-p521", "rsa-2048", "rsa-3072", "rsa-4096"}));
}

}  // namespace camvault::cli

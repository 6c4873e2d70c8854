// camvault keystore generate, delete, move: what changes the keys. keystored decides whether the caller may.
#include <cstdio>

#include "commands.h"
#include "keystore_options.h"

namespace camvault::cli {

namespace {
struct Change {
  KeystoreOptions keystore;
  std::string name;
  std::string type = "ec-p256";
  std::string purpose;
  std::string backend;
  std::vector<std::uint32_t> uids;
  bool new_key = false;
  bool allow_backup = false;
};

Status generate(const Change& change) {
  CAM_TRY(const auto name, keystore::KeyName::parse(change.name));
  CAM_TRY(const auto type, keystore::key_type_from_string(change.type));
  CAM_TRY(const auto purpose, keystore::purpose_from_string(change.purpose));
  auto policy = keystore::default_policy(type, purpose);
  policy.uids = change.uids;
  policy.backup = change.allow_backup;
  std::sort(policy.uids.begin(), policy.uids.end());
  CAM_TRY(const auto store, connect_keystore(change.keystore));
  CAM_TRY(const auto key, store->generate_in(change.backend, name, type, policy));
  print_key(key, change.keystore.json);
  return ok();
}

Status remove(const Change& change) {
  CAM_TRY(const auto name, keystore::KeyName::parse(change.name));
  CAM_TRY(const auto store, connect_keystore(change.keystore));
  return store->remove(name);
}

Status move(const Change& change) {
  CAM_TRY(const auto name, keystore::KeyName::parse(change.name));
  CAM_TRY(const auto store, connect_keystore(change.keystore));
  const auto mode = change.new_key ? keystore::MoveMode::new_key : keystore::MoveMode::same_key;
  auto key = store->move(name, change.backend, mode);
  if (!key && key.error().code == Errc::unsupported && !change.new_key) {
    return fail(Errc::unsupported,
                key.error().what +
                    "; if the key cannot leave its module, --new-key binds the name to a new key "
                    "there, with another public half");
  }
  if (!key) return tl::unexpected(key.error());
  print_key(*key, change.keystore.json);
  return ok();
}

CLI::App* add(CLI::App& parent, const std::string& name, const std::string& description,
              const std::shared_ptr<Change>& change, Status (*run)(const Change&), int& exit_code) {
  auto* command = parent.add_subcommand(name, description);
  add_keystore_options(*command, change->keystore);
  command->add_option("NAME", change->name, "the key: application/name")->required();
  command->callback([change, run, &exit_code] { exit_code = finish_keystore(run(*change)); });
  return command;
}
}  // namespace

void add_keystore_changes(CLI::App& keystore, int& exit_code) {
  auto made = std::make_shared<Change>();
  auto* command =
      add(keystore, "generate", "make a key; it never leaves the keystore", made, generate, exit_code);
  command
      ->add_option("--type", made->type,
                   "ec-p256 (default), ec-p384, rsa-2048, ed25519, aes-256, hmac-sha256, ...")
      ->type_name("TYPE");
  command->add_option("--purpose", made->purpose, "the one thing it is for: tls, media-signing, mac, ...")
      ->type_name("PURPOSE")
      ->required();
  command
      ->add_option("--backend", made->backend, "the module that holds it (default: as keystored's rules say)")
      ->type_name("BACKEND");
  command->add_flag("--allow-backup", made->allow_backup,
                    "it may be in a backup for the owner (never a device identity)");
  command->add_option("--uid", made->uids, "who may use it (default: the application's own uid)")
      ->type_name("UID");
  command->footer(
      "Examples:\n  camvault keystore generate camera/https --purpose tls\n"
      "  camvault keystore generate camera/https --purpose tls --type rsa-2048 --backend tpm2");

  auto removed = std::make_shared<Change>();
  command = add(keystore, "delete", "delete a key, for ever", removed, remove, exit_code);
  command->footer("Examples:\n  camvault keystore delete camera/https");

  auto moved = std::make_shared<Change>();
  command = add(keystore, "move", "let another module hold the key; its name stays", moved, move, exit_code);
  command->add_option("--backend", moved->backend, "the module that shall hold it")
      ->type_name("BACKEND")
      ->required();
  command->add_flag("--new-key", moved->new_key,
                    "bind the name to a new key, made inside that module: certificates have to be made anew");
  command->footer(
      "A key of the software backend moves itself: programs notice nothing. No key leaves a TPM, a token or "
      "a secure\n"
      "element; --new-key then keeps the name only.\n\nExamples:\n  camvault keystore move camera/https "
      "--backend tpm2\n"
      "  camvault keystore move camera/https --backend se05x --new-key");
}

}  // namespace camvault::cli

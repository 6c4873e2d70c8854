// camvault keystore backup, restore: keys whose policy allows it, encrypted to their owner.
#include <cstdio>

#include "camvault/base/file.h"
#include "camvault/codec/cbor.h"
#include "camvault/keystore/encoding.h"
#include "camvault/keystore_software/software_backend.h"
#include "commands.h"
#include "exit_code.h"
#include "keystore_options.h"
#include "output_file.h"

namespace camvault::cli {

namespace {
constexpr std::size_t kMaxBackup = 256 * 1024;

struct Backup {
  KeystoreOptions keystore;
  std::string name;
  std::filesystem::path file;
  std::filesystem::path owner_key;
  std::filesystem::path owner_certificate;
};

Status make(const Backup& backup) {
  CAM_TRY(const auto name, keystore::KeyName::parse(backup.name));
  CAM_TRY(const auto store, connect_keystore(backup.keystore));
  CAM_TRY(const auto message, store->backup(name));
  return write_output(backup.file, message);
}

struct Content {
  keystore::KeyInfo info;
  Secret key;
};
Result<Content> read_content(BytesView bytes) {
  namespace tag = keystore::backup_tag;
  CAM_TRY(auto in, codec::CborReader::open(bytes));
  CAM_TRY(auto map, in.map());
  CAM_TRY(const auto name, map.text(tag::kName));
  CAM_TRY(const auto version, map.unsigned_integer(tag::kVersion));
  if (name != keystore::kBackupName || version != keystore::kBackupVersion)
    return fail(Errc::unsupported, "not a backup of a key, or of another version");
  CAM_TRY_STATUS(map.key(tag::kInfo));
  CAM_TRY(auto info, keystore::read_key_info(map));
  CAM_TRY(const auto key, map.bytes(tag::kKey));
  CAM_TRY_STATUS(map.finish());
  return Content{std::move(info), Secret(key)};
}

Status restore(const Backup& backup) {
  CAM_TRY(const auto message, read_file(backup.file, kMaxBackup));
  CAM_TRY(const auto certificate, read_file(backup.owner_certificate, kMaxBackup));
  CAM_TRY(auto pem, read_file(backup.owner_key, kMaxBackup));
  const auto owner_key = Secret::absorb(std::move(pem));
  const auto plain = keystore_software::decrypt_as_owner(message, certificate, owner_key);
  if (!plain) return fail_in(backup.file.string(), plain.error());
  CAM_TRY(const auto content, plain->reveal([](BytesView bytes) { return read_content(bytes); }));
  CAM_TRY(const auto store, connect_keystore(backup.keystore));
  CAM_TRY(const auto key,
          store->restore(content.info.name, content.info.type, content.info.policy, content.key));
  print_key(key, backup.keystore.json);
  return ok();
}
}  // namespace

void add_keystore_backup(CLI::App& keystore, int& exit_code) {
  auto made = std::make_shared<Backup>();
  auto* command = keystore.add_subcommand("backup", "a key for its owner, encrypted to him");
  add_keystore_options(*command, made->keystore);
  command->add_option("NAME", made->name, "the key: application/name")->required();
  command->add_option("--out", made->file, "where the message goes")->type_name("FILE")->required();
  command->footer(
      "Only keys that were made with --allow-backup, never a device identity. The owner is the one whom\n"
      "keystored.toml names (backup_owner); nobody chooses another here.\n\n"
      "Examples:\n  camvault keystore backup camera/wifi --out wifi.backup");
  command->callback([made, &exit_code] { exit_code = finish_keystore(make(*made)); });

  auto restored = std::make_shared<Backup>();
  command =
      keystore.add_subcommand("restore", "put a backed-up key in again; its origin is then \"imported\"");
  add_keystore_options(*command, restored->keystore);
  command->add_option("FILE", restored->file, "what backup wrote")->required();
  command->add_option("--owner-key", restored->owner_key, "the owner's private key, PEM, not encrypted")
      ->type_name("KEY.pem")
      ->required();
  command->add_option("--owner-cert", restored->owner_certificate, "the owner's certificate")
      ->type_name("CERT.pem")
      ->required();
  command->footer(
      "Examples:\n  camvault keystore restore wifi.backup --owner-key owner-key.pem --owner-cert owner.pem");
  command->callback([restored, &exit_code] { exit_code = finish_keystore(restore(*restored)); });
}

}  // namespace camvault::cli

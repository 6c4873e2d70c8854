// camvault keystore counter, seal, unseal, secret: what a keystore has besides keys.
#include <cstdio>

#include "camvault/base/file.h"
#include "commands.h"
#include "exit_code.h"
#include "keystore_options.h"
#include "output_file.h"
#include "secret_input.h"

namespace camvault::cli {

namespace {
using keystore::Kdf;
using keystore::KeyName;
using keystore::KeyType;
using keystore::Purpose;

constexpr std::size_t kMaxSealed = 128;
constexpr std::size_t kMaxSealedFile = 48 * 1024;

struct Values {
  KeystoreOptions keystore;
  std::string name;
  std::string backend;
  std::string purpose = "password";
  std::vector<std::uint32_t> uids;
  bool allow_backup = false;
  std::filesystem::path file;
  std::string kdf = "hkdf-sha256";
  std::string salt;
  std::string ssid;
  std::string info;
  std::uint32_t rounds = 0;
  std::uint32_t size = 32;
};

Result<std::shared_ptr<keystore::Keystore>> opened(const Values& v) {
  return connect_keystore(v.keystore);
}

// A counter that an old copy of the disk sets back is told from one that nothing sets back, each time.
Status print_counter(keystore::Keystore& store, const Values& v, const KeyName& name, std::uint64_t value) {
  CAM_TRY(const auto info, store.info(name));
  CAM_TRY(const auto status, store.status());
  bool stand_in = true;
  bool simulator = false;
  for (const auto& backend : status.backends) {
    if (backend.name != info.backend) continue;
    stand_in = backend.kind == "software";
    simulator = backend.simulator;
  }
  if (v.keystore.json) {
    const nlohmann::ordered_json out{
        {"value", value}, {"backend", info.backend}, {"stand_in", stand_in}, {"simulator", simulator}};
    std::printf("%s\n", out.dump(2).c_str());
    return ok();
  }
  std::printf("%llu\n", static_cast<unsigned long long>(value));
  if (stand_in)
    std::fprintf(stderr,
                 "camvault: a stand-in in software: who puts an old copy of the disk back sets it back\n");
  if (simulator) std::fprintf(stderr, "camvault: the module is a SIMULATOR: it protects nothing\n");
  return ok();
}

Status read_counter(const Values& v) {
  CAM_TRY(const auto name, KeyName::parse(v.name));
  CAM_TRY(const auto store, opened(v));
  CAM_TRY(const auto value, store->read_counter(name));
  return print_counter(*store, v, name, value);
}

Status increment_counter(const Values& v) {
  CAM_TRY(const auto name, KeyName::parse(v.name));
  CAM_TRY(const auto store, opened(v));
  CAM_TRY(const auto value, store->increment_counter(name));
  return print_counter(*store, v, name, value);
}

Status seal(const Values& v) {
  CAM_TRY(const auto label, KeyName::parse(v.name));
  CAM_TRY(const auto store, opened(v));
  CAM_TRY(const auto plain, data_from_input(kMaxSealed));
  auto sealed = store->seal(label, plain, v.backend);
  if (!sealed && sealed.error().code == Errc::unsupported)
    return fail(Errc::unsupported, "the backend knows no state of the platform; a TPM does (--backend)");
  if (!sealed) return tl::unexpected(sealed.error());
  return write_output(v.file, *sealed);
}

Status unseal(const Values& v) {
  CAM_TRY(const auto label, KeyName::parse(v.name));
  CAM_TRY(const auto sealed, read_file(v.file, kMaxSealedFile));
  CAM_TRY(const auto store, opened(v));
  CAM_TRY(const auto plain, store->unseal(label, sealed));
  plain.reveal([](BytesView bytes) { std::fwrite(bytes.data(), 1, bytes.size(), stdout); });
  return ok();
}

Status set_secret(const Values& v) {
  CAM_TRY(const auto name, KeyName::parse(v.name));
  CAM_TRY(const auto purpose, keystore::purpose_from_string(v.purpose));
  auto policy = keystore::default_policy(KeyType::secret, purpose);
  policy.uids = v.uids;
  std::sort(policy.uids.begin(), policy.uids.end());
  policy.backup = v.allow_backup;
  CAM_TRY_STATUS(keystore::check_policy(KeyType::secret, policy));
  CAM_TRY(const auto store, opened(v));
  CAM_TRY(const auto secret, secret_from_input(keystore::kMaxSecret));
  CAM_TRY(const auto key, store->import_key(name, KeyType::secret, policy, secret));
  print_key(key, v.keystore.json);
  return ok();
}

Result<bool> compare_secret(const Values& v) {
  CAM_TRY(const auto name, KeyName::parse(v.name));
  CAM_TRY(const auto store, opened(v));
  CAM_TRY(const auto candidate, secret_from_input(keystore::kMaxSecret));
  return store->compare({name, Purpose::password}, candidate);
}

Status derive_secret(const Values& v) {
  CAM_TRY(const auto name, KeyName::parse(v.name));
  CAM_TRY(const auto kdf, keystore::kdf_from_string(v.kdf));
  CAM_TRY(const auto salt, v.ssid.empty() ? from_hex(v.salt) : Result<Bytes>(to_bytes(as_bytes(v.ssid))));
  CAM_TRY(const auto info, from_hex(v.info));
  const bool wifi = kdf == Kdf::wpa_psk;
  const keystore::Derivation derivation{.kdf = kdf,
                                        .salt = salt,
                                        .info = info,
                                        .rounds = wifi ? keystore::kWpaRounds : v.rounds,
                                        .size = v.size};
  CAM_TRY(const auto store, opened(v));
  CAM_TRY(const auto derived,
          store->derive({name, wifi ? Purpose::wifi_psk : Purpose::key_derivation}, derivation));
  derived.reveal([](BytesView bytes) { std::printf("%s\n", to_hex(bytes).c_str()); });
  return ok();
}

struct Added {
  CLI::App* command;
  std::shared_ptr<Values> values;
};
Added add(CLI::App& parent, const std::string& name, const std::string& description,
          Status (*run)(const Values&), int& exit_code) {
  auto values = std::make_shared<Values>();
  auto* command = parent.add_subcommand(name, description);
  add_keystore_options(*command, values->keystore);
  command->add_option("NAME", values->name, "application/name")->required();
  if (run != nullptr)
    command->callback([values, run, &exit_code] { exit_code = finish_keystore(run(*values)); });
  return {command, std::move(values)};
}

void add_counter(CLI::App& keystore, int& exit_code) {
  auto* counter = keystore.add_subcommand("counter", "numbers that only grow");
  counter->require_subcommand(1);
  counter->footer(
      "camvault keystore generate NAME --type counter --purpose rollback-protection makes one. In a TPM or "
      "an SE05x\n"
      "nothing sets it back; in software it is a stand-in, and every output says so.\n\n"
      "Examples:\n  camvault keystore counter increment camera/firmware");
  add(*counter, "read", "its value", read_counter, exit_code)
      .command->footer("Examples:\n  camvault keystore counter read camera/firmware");
  add(*counter, "increment", "add one; prints the new value", increment_counter, exit_code)
      .command->footer("Examples:\n  camvault keystore counter increment camera/firmware --json");
}

void add_secret(CLI::App& keystore, int& exit_code) {
  auto* secret =
      keystore.add_subcommand("secret", "passwords, Wi-Fi passphrases and tokens: used, never read");
  secret->require_subcommand(1);
  secret->footer("Examples:\n  camvault keystore secret set camera/wifi --purpose wifi-psk < passphrase");
  auto [set, set_values] = add(*secret, "set", "store one; standard input has it", set_secret, exit_code);
  set->add_option("--purpose", set_values->purpose,
                  "password (default): compared; wifi-psk: gives the key of a network; key-derivation: HKDF, "
                  "PBKDF2; mac: HMAC")
      ->type_name("PURPOSE");
  set->add_option("--uid", set_values->uids, "who may use it (default: the application's own uid)")
      ->type_name("UID");
  set->add_flag("--allow-backup", set_values->allow_backup, "it may be in a backup for the owner");
  set->footer(
      "One line feed at the end is not part of it. Nothing ever prints it again.\n\n"
      "Examples:\n  printf %s \"$PASSWORD\" | camvault keystore secret set camera/admin");

  auto [compare, compare_values] =
      add(*secret, "compare", "is this the secret? standard input has the candidate", nullptr, exit_code);
  compare->callback([v = compare_values, &exit_code] {
    const auto same = compare_secret(*v);
    if (!same) {
      exit_code = complain_about(same.error());
      return;
    }
    std::printf(v->keystore.json ? (*same ? "{\"same\": true}\n" : "{\"same\": false}\n")
                                 : (*same ? "yes\n" : "no\n"));
    exit_code = *same ? kYes : kNo;
  });
  compare->footer(
      "Exit codes: 0 yes, 1 no, 69 too many wrong tries: wait.\n\n"
      "Examples:\n  camvault keystore secret compare camera/admin < candidate");

  auto [derive, v] = add(*secret, "derive", "a key of it, in hexadecimal digits", derive_secret, exit_code);
  derive->add_option("--kdf", v->kdf, "hkdf-sha256 (default), pbkdf2-sha256, wpa-psk")->type_name("KDF");
  auto* salt = derive->add_option("--salt", v->salt, "hexadecimal")->type_name("HEX");
  derive->add_option("--ssid", v->ssid, "for wpa-psk: the name of the network")
      ->type_name("SSID")
      ->excludes(salt);
  derive->add_option("--info", v->info, "for hkdf-sha256: hexadecimal")->type_name("HEX");
  derive->add_option("--rounds", v->rounds, "for pbkdf2-sha256: 1000 to 1000000")->type_name("N");
  derive->add_option("--size", v->size, "bytes wanted, 1 to 512 (default 32)")->type_name("N");
  derive->footer(
      "Examples:\n  camvault keystore secret derive camera/wifi --kdf wpa-psk --ssid Warehouse\n"
      "  camvault keystore secret derive camera/seed --salt 00112233 --info 6c6f67");
}
}  // namespace

void add_keystore_values(CLI::App& keystore, int& exit_code) {
  add_counter(keystore, exit_code);
  add_secret(keystore, exit_code);
  auto [sealing, v] = add(keystore, "seal", "bind up to 128 bytes to the platform's state", seal, exit_code);
  sealing->add_option("--out", v->file, "where the sealed bytes go")->type_name("FILE")->required();
  sealing->add_option("--backend", v->backend, "the module (default: as keystored's rules say)")
      ->type_name("BACKEND");
  sealing->footer(
      "NAME is a label, and is bound in. Standard input has the bytes. A TPM binds to PCRs 0 to 7; other "
      "backends\n"
      "know no state of the platform and refuse.\n\n"
      "Examples:\n  camvault keystore seal camera/disk-key --backend tpm2 --out disk-key.sealed < disk-key");
  auto [opening, w] =
      add(keystore, "unseal", "the bytes again, if the platform's state is the same", unseal, exit_code);
  opening->add_option("--in", w->file, "what seal wrote")->type_name("FILE")->required();
  opening->footer("Examples:\n  camvault keystore unseal camera/disk-key --in disk-key.sealed > disk-key");
}

}  // namespace camvault::cli

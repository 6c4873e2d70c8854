// camvault keystore: what is in the keystore, and what protects it.
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "keystore_options.h"

namespace camvault::cli {

namespace {
using Json = nlohmann::ordered_json;

using Options = KeystoreOptions;

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}
std::string shown(std::string_view text) {
  return report::printable(text);
}

Status list(const Options& options) {
  CAM_TRY(const auto store, connect_keystore(options));
  CAM_TRY(const auto keys, store->list());
  if (options.json) {
    Json out = Json::array();
    for (const auto& key : keys) out.push_back(key_json(key));
    print(out.dump(2, ' ', true, Json::error_handler_t::replace) + "\n");
    return ok();
  }
  if (keys.empty()) print("no keys that you may see\n");
  for (const auto& key : keys) print_key(key, false);
  return ok();
}

Json status_json(const keystore::ServiceStatus& status) {
  Json mechanisms = Json::array();
  for (const auto& m : status.mechanisms)
    mechanisms.push_back({{"name", m.name}, {"active", m.active}, {"detail", m.detail}});
  Json backends = Json::array();
  for (const auto& b : status.backends) {
    Json types = Json::array();
    for (const auto type : b.key_types) types.push_back(std::string(to_string(type)));
    backends.push_back({{"name", b.name},
                        {"kind", b.kind},
                        {"simulator", b.simulator},
                        {"usable", b.usable},
                        {"health", b.health},
                        {"module", b.module},
                        {"certification", b.certification.empty() ? "uncertified" : b.certification},
                        {"free_slots", b.free_slots ? Json(*b.free_slots) : Json(nullptr)},
                        {"key_types", std::move(types)},
                        {"protection", b.protection}});
  }
  return Json{{"version", status.version},   {"keys", status.keys},      {"damaged", status.damaged},
              {"root_key", status.root_key}, {"mechanisms", mechanisms}, {"backends", backends}};
}

Status status(const Options& options) {
  CAM_TRY(const auto store, connect_keystore(options));
  CAM_TRY(const auto found, store->status());
  if (options.json) {
    print(status_json(found).dump(2, ' ', true, Json::error_handler_t::replace) + "\n");
    return ok();
  }
  print("keystored " + shown(found.version) + ", " + std::to_string(found.keys) +
        (found.keys == 1 ? " key\n" : " keys\n"));
  print("\nRoot key: " + shown(found.root_key) + "\n");
  for (const auto& b : found.backends) {
    print("\nBackend " + shown(b.name) + (b.kind == b.name ? "" : " (" + shown(b.kind) + ")") +
          (b.simulator ? " SIMULATOR: protects nothing" : "") + (b.usable ? "" : " NOT USABLE") + "\n");
    print("  state: " + shown(b.health) +
          (b.free_slots ? ", room for " + std::to_string(*b.free_slots) + " more keys" : "") + "\n");
    if (!b.module.empty()) print("  module: " + shown(b.module) + "\n");
    print("  certified: " +
          (b.certification.empty() ? std::string("no (uncertified)") : shown(b.certification)) + "\n");
    std::string types;
    for (const auto type : b.key_types) types += (types.empty() ? "" : ", ") + std::string(to_string(type));
    print("  keys: " + (types.empty() ? std::string("not known") : types) + "\n");
    print("  " + report::printable(b.protection, 2000) + "\n");
  }
  print("\nProtection of the process:\n");
  for (const auto& m : found.mechanisms) {
    print(std::string(m.active ? "  on   " : "  OFF  ") + shown(m.name) + ": " + shown(m.detail) + "\n");
  }
  for (const auto& name : found.damaged) print("DAMAGED key file: " + shown(name) + "\n");
  return ok();
}

void add(CLI::App& parent, const std::string& name, const std::string& description,
         Status (*run)(const Options&), int& exit_code) {
  auto* command = parent.add_subcommand(name, description);
  auto options = std::make_shared<Options>();
  add_keystore_options(*command, *options);
  command->footer("Examples:\n  camvault keystore " + name + "\n  camvault keystore " + name +
                  " --root /srv/camera1 --json");
  command->callback([options, run, &exit_code] { exit_code = finish_keystore(run(*options)); });
}
}  // namespace

Result<std::shared_ptr<keystore::Keystore>> connect_keystore(const KeystoreOptions& options) {
  const auto socket =
      options.socket.empty() ? key_source::RootLayout{options.root}.keystore_socket() : options.socket;
  return ipc::connect_keystore(socket);
}

void add_keystore_options(CLI::App& command, KeystoreOptions& options) {
  command.add_option("--root", options.root, "folder that holds the camera's state (default /)")
      ->type_name("DIR");
  command
      .add_option("--keystore", options.socket,
                  "socket of keystored (default DIR/run/camvault/keystored.sock)")
      ->type_name("SOCKET");
  command.add_flag("--json", options.json, "as JSON");
}

nlohmann::ordered_json key_json(const keystore::KeyInfo& key) {
  return {{"name", key.name.text()},
          {"type", std::string(to_string(key.type))},
          {"purpose", std::string(to_string(key.policy.purpose))},
          {"origin", std::string(to_string(key.origin))},
          {"backend", key.backend},
          {"created", to_iso8601(key.created)},
          {"uids", key.policy.uids}};
}

void print_key(const keystore::KeyInfo& key, bool json) {
  if (json) return print(key_json(key).dump(2, ' ', true, Json::error_handler_t::replace) + "\n");
  std::printf("%-32s %-12s %-16s %-18s %-9s %s\n", shown(key.name.text()).c_str(),
              std::string(to_string(key.type)).c_str(), std::string(to_string(key.policy.purpose)).c_str(),
              std::string(to_string(key.origin)).c_str(), shown(key.backend).c_str(),
              to_iso8601(key.created).c_str());
}

int finish_keystore(const Status& done) {
  if (!done) return complain_about(done.error());
  return std::fflush(stdout) == 0 ? kYes : complain(kCannotWrite, "standard output cannot be written");
}

void add_keystore(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("keystore", "look into the keystore; make, delete and move keys");
  command->require_subcommand(1);
  command->footer("Examples:\n  camvault keystore status\n  camvault keystore list --root /srv/camera1");
  add(*command, "list", "the keys you may see, with purpose and origin", list, exit_code);
  add(*command, "status", "what protects the keys, and what does not", status, exit_code);
  add_keystore_changes(*command, exit_code);
  add_keystore_benchmark(*command, exit_code);
  add_keystore_stub(*command, exit_code);
  add_keystore_attest(*command, exit_code);
  add_keystore_values(*command, exit_code);
  add_keystore_backup(*command, exit_code);
}

}  // namespace camvault::cli

// camvault keystore: what is in the keystore, and what protects it.
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"

namespace camvault::cli {

namespace {
using Json = nlohmann::ordered_json;

struct Options {
  std::filesystem::path root = "/";
  std::filesystem::path socket;
  bool json = false;
};

Result<std::shared_ptr<keystore::Keystore>> connect(const Options& options) {
  const auto socket =
      options.socket.empty() ? key_source::RootLayout{options.root}.keystore_socket() : options.socket;
  return ipc::connect_keystore(socket);
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}
std::string shown(std::string_view text) {
  return report::printable(text);
}

Json uids_of(const keystore::KeyInfo& key) {
  return Json(key.policy.uids);
}

Status list(const Options& options) {
  CAM_TRY(const auto store, connect(options));
  CAM_TRY(const auto keys, store->list());
  if (options.json) {
    Json out = Json::array();
    for (const auto& key : keys) {
      out.push_back({{"name", key.name.text()},
                     {"type", std::string(to_string(key.type))},
                     {"purpose", std::string(to_string(key.policy.purpose))},
                     {"origin", std::string(to_string(key.origin))},
                     {"backend", key.backend},
                     {"created", to_iso8601(key.created)},
                     {"uids", uids_of(key)}});
    }
    print(out.dump(2, ' ', true, Json::error_handler_t::replace) + "\n");
    return ok();
  }
  if (keys.empty()) print("no keys that you may see\n");
  for (const auto& key : keys) {
    std::printf("%-32s %-12s %-16s %-18s %-9s %s\n", shown(key.name.text()).c_str(),
                std::string(to_string(key.type)).c_str(), std::string(to_string(key.policy.purpose)).c_str(),
                std::string(to_string(key.origin)).c_str(), shown(key.backend).c_str(),
                to_iso8601(key.created).c_str());
  }
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
                        {"simulator", b.simulator},
                        {"key_types", std::move(types)},
                        {"protection", b.protection}});
  }
  return Json{{"version", status.version},   {"keys", status.keys},      {"damaged", status.damaged},
              {"root_key", status.root_key}, {"mechanisms", mechanisms}, {"backends", backends}};
}

Status status(const Options& options) {
  CAM_TRY(const auto store, connect(options));
  CAM_TRY(const auto found, store->status());
  if (options.json) {
    print(status_json(found).dump(2, ' ', true, Json::error_handler_t::replace) + "\n");
    return ok();
  }
  print("keystored " + shown(found.version) + ", " + std::to_string(found.keys) +
        (found.keys == 1 ? " key\n" : " keys\n"));
  print("\nRoot key: " + shown(found.root_key) + "\n");
  for (const auto& b : found.backends) {
    print("\nBackend " + shown(b.name) + (b.simulator ? " (SIMULATOR: protects nothing)" : "") + ": " +
          report::printable(b.protection, 2000) + "\n");
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
  command->add_option("--root", options->root, "folder that holds the camera's state (default /)")
      ->type_name("DIR");
  command
      ->add_option("--keystore", options->socket,
                   "socket of keystored (default DIR/run/camvault/keystored.sock)")
      ->type_name("SOCKET");
  command->add_flag("--json", options->json, "as JSON");
  command->footer("Examples:\n  camvault keystore " + name + "\n  camvault keystore " + name +
                  " --root /srv/camera1 --json");
  command->callback([options, run, &exit_code] {
    const auto done = run(*options);
    exit_code =
        done ? (std::fflush(stdout) == 0 ? kYes : complain(kCannotWrite, "standard output cannot be written"))
             : complain_about(done.error());
  });
}
}  // namespace

void add_keystore(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("keystore", "look into the keystore");
  command->require_subcommand(1);
  command->footer("Examples:\n  camvault keystore status\n  camvault keystore list --root /srv/camera1");
  add(*command, "list", "the keys you may see, with purpose and origin", list, exit_code);
  add(*command, "status", "what protects the keys, and what does not", status, exit_code);
}

}  // namespace camvault::cli

// What the subcommands of `camvault network` share.
#pragma once

#include <memory>

#include "camvault/network/connection.h"
#include "keystore_options.h"
#include "network_settings.h"

namespace camvault::cli {

struct NetworkOptions {
  KeystoreOptions keystore;
  std::string interface;
  bool wifi = false;
  std::filesystem::path run_folder;  // default DIR/run/camvault/network
  std::filesystem::path log;         // of wpa_supplicant
  std::filesystem::path supplicant = "/sbin/wpa_supplicant";
  std::filesystem::path module;  // libcamvault-pkcs11.so; empty: as p11-kit says
};

struct NetworkSetup {
  NetworkSettings settings;
  std::shared_ptr<keystore::Keystore> keystore;
  std::unique_ptr<crypto::Engine> engine;
  std::string interface;
};
// Settings, keystore and interface of these options.
Result<NetworkSetup> set_up_network(const NetworkOptions& options);
std::filesystem::path network_run_folder(const NetworkOptions& options);
std::filesystem::path network_state_file(const NetworkOptions& options, const std::string& interface);

nlohmann::ordered_json credential_json(const network::Credential& credential);

// run, under `network`.
void add_network_run(CLI::App& network, int& exit_code);
// radius, under `network`.
void add_network_radius(CLI::App& network, int& exit_code);
void add_network_options(CLI::App& command, NetworkOptions& options);

}  // namespace camvault::cli

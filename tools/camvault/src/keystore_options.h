// What the subcommands of `camvault keystore` share: where keystored is, how keys are shown, how they end.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>

#include "camvault/keystore/keystore.h"

namespace camvault::cli {

struct KeystoreOptions {
  std::filesystem::path root = "/";
  std::filesystem::path socket;  // empty: the one below root
  bool json = false;
};

void add_keystore_options(CLI::App& command, KeystoreOptions& options);
Result<std::shared_ptr<keystore::Keystore>> connect_keystore(const KeystoreOptions& options);
nlohmann::ordered_json key_json(const keystore::KeyInfo& key);
void print_key(const keystore::KeyInfo& key, bool json);  // one line, or one JSON object
int finish_keystore(const Status& done);                  // complains if it must; the exit code

// generate, delete and move, under `keystore`.
void add_keystore_changes(CLI::App& keystore, int& exit_code);
// benchmark, under `keystore`.
void add_keystore_benchmark(CLI::App& keystore, int& exit_code);
// stub, under `keystore`.
void add_keystore_stub(CLI::App& keystore, int& exit_code);
// attest
void add_keystore_attest(CLI::App& keystore, int& exit_code);
// counter, seal, unseal, secret
void add_keystore_values(CLI::App& keystore, int& exit_code);
// backup, restore
void add_keystore_backup(CLI::App& keystore, int& exit_code);

}  // namespace camvault::cli

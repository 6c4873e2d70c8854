// What all commands of `camvault factory` have in common: keystores, keys by name, the opened factory.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "camvault/crypto/engine.h"
#include "camvault/identity/factory.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/keystore/keystore.h"

namespace camvault::cli {

inline constexpr const char* kFactoryRootKey = "factory/root-ca";
inline constexpr const char* kFactoryDeviceCaKey = "factory/device-ca";
inline constexpr const char* kFactoryLogKey = "factory/issue-log";
inline constexpr const char* kFactoryOcspKey = "factory/ocsp-responder";

using KeystoreHandle = std::shared_ptr<keystore::Keystore>;
using KeyHandle = std::shared_ptr<crypto::SigningKey>;

// The keystore at that socket; an empty one means the usual one below `root`.
Result<KeystoreHandle> connect_below(const std::filesystem::path& root, const std::filesystem::path& socket);

// The key of that name; it is made if it is not there, and must then be for the same purpose. `backend`:
// empty, or the module that is to hold a new one.
Result<KeyHandle> made_key(keystore::Keystore& store, const std::string& name, keystore::KeyType type,
                           keystore::Purpose purpose, std::string_view backend = {});
Result<KeyHandle> existing_key(keystore::Keystore& store, const std::string& name, keystore::Purpose purpose);

// What every operation on an existing factory needs. The factory refers to clock and engine: they live beside
// it.
struct OpenedFactory {
  SystemClock clock;
  std::unique_ptr<crypto::Engine> engine;
  std::optional<identity::Factory> factory;
};
Result<std::unique_ptr<OpenedFactory>> open_factory_below(const std::filesystem::path& root);

// The key of the device CA that issues now.
Result<KeyHandle> issuing_key(keystore::Keystore& store, const identity::Factory& factory);
// The log's key, in use from now on; nothing if this factory's log has none.
Result<KeyHandle> log_key_of(keystore::Keystore& store, identity::Factory& factory);
// For commands that need no other key: signs the log's end if its keystore is there.
Status checkpoint_if_possible(OpenedFactory& opened, const std::filesystem::path& root,
                              const std::filesystem::path& socket);

// A command that runs `run`, and whose exit code says how it went.
CLI::App* add_factory_command(CLI::App& parent, const std::string& name, const std::string& description,
                              std::function<Status()> run, int& exit_code);
// The same for commands whose answer is the exit code.
CLI::App* add_factory_answer(CLI::App& parent, const std::string& name, const std::string& description,
                             std::function<Result<int>()> run, int& exit_code);
void add_root_option(CLI::App& command, std::filesystem::path& root);
void add_keystore_option(CLI::App& command, std::filesystem::path& socket);
// The camera that stands at the station.
void add_camera_options(CLI::App& command, std::filesystem::path& root, std::filesystem::path& socket);
void add_key_type_option(CLI::App& command, std::string& type, const std::string& what);

void add_factory_provision(CLI::App& factory, int& exit_code);
void add_factory_line(CLI::App& factory, int& exit_code);
void add_factory_care(CLI::App& factory, int& exit_code);
void add_factory_routes(CLI::App& factory, int& exit_code);

}  // namespace camvault::cli

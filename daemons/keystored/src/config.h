// keystored.toml: which applications there are, whose they are, which modules hold keys, and the limits.
// docs/keystore.md explains it.
#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>
#include <vector>

#include "backends.h"
#include "camvault/keystore_engine/access_rules.h"

namespace camvault::keystored {

struct Limits {
  std::size_t connections = 256;
  std::size_t connections_per_uid = 64;
  std::chrono::milliseconds frame_time{5'000};  // from a frame's first byte to its last; also for the hello
  std::chrono::milliseconds write_time{5'000};  // for a client to take what waits for it
  std::chrono::milliseconds idle_time{600'000};
};

enum class AuditLevel { all, changes_and_refusals };

struct Config {
  keystore_engine::AccessRules rules;
  std::vector<BackendLine> backends;  // at least one; the first takes new keys
  Limits limits;
  AuditLevel audit = AuditLevel::all;
};

// Unknown keys are errors: a misspelt right must not be silently absent or present.
Result<Config> parse_config(std::string_view toml);
// Errc::denied if others than root and this process's user can change the file.
Result<Config> load_config(const std::filesystem::path& path);

// A number, or the name of a user of this system.
Result<std::uint32_t> uid_of(std::string_view number_or_name);

}  // namespace camvault::keystored

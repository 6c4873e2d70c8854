// Where a user's trust store is (docs/time-and-origin.md).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace camvault::trust_store {

// Asks for a variable of the environment.
using Environment = std::function<std::optional<std::string>(const char* name)>;

// CAMVAULT_TRUST; else $XDG_CONFIG_HOME/camvault/trust; else $HOME/.config/camvault/trust; else nothing (an
// empty path). XDG Base Directory Specification: relative paths in its variables are ignored. CAMVAULT_TRUST
// set to the empty text means: no store.
std::filesystem::path default_location(const Environment& environment);

}  // namespace camvault::trust_store

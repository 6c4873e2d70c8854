// The lines [[backend]] of keystored.toml and the backends that they name.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/keystore_engine/backend.h"

namespace camvault::keystored {

inline constexpr std::size_t kMaxBackends = 8;

struct BackendLine {
  std::string name;  // in key files and answers; the type if the line gives none
  std::string type;
  std::map<std::string, std::string, std::less<>> options;
  std::chrono::milliseconds deadline{30'000};  // for an answer of the module
};

// Errc::usage: a type that this build does not have, an option that the type does not have, a bad value.
Status check_backend(const BackendLine& line);

// Makes them all, without waiting for any module. What cannot even be made (a library that does not load) is
// there all the same: as a backend that is not usable and says why. The others work.
std::vector<std::shared_ptr<keystore_engine::Backend>> make_backends(const std::vector<BackendLine>& lines);

// All that the sandbox leaves open, of all of them.
keystore_engine::SandboxNeeds needs_of(
    const std::vector<std::shared_ptr<keystore_engine::Backend>>& backends);

}  // namespace camvault::keystored

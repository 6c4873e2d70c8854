// The profiles of one factory: those that Camvault brings, with the factory's own files over them.
#pragma once

#include "camvault/identity/profile.h"

namespace camvault::identity {

inline constexpr std::string_view kProfilesFolder = "profiles";

// All profiles by name. A file that cannot be read, or is not named as its profile is, is an error: a factory
// with half of its rules issues nothing.
Result<std::map<std::string, CertificateRules, std::less<>>> read_profiles(
    const std::filesystem::path& folder);
// Copies for the factory to change, where there are none yet.
Status write_profiles(const std::filesystem::path& folder);

}  // namespace camvault::identity

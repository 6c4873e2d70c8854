// A factory's folder: its lock, its settings, its certificates.
#pragma once

#include "camvault/base/file.h"
#include "camvault/identity/factory.h"

namespace camvault::identity {

inline constexpr std::string_view kSettingsFile = "factory.json";
inline constexpr std::string_view kLockFile = "lock";
inline constexpr std::string_view kIssuedFolder = "issued";

// Held as long as the descriptor is open; the kernel gives it back when the process ends, however it ends.
Result<UniqueFd> lock_folder(const std::filesystem::path& folder);

// factory.json is written last and read first: with it, everything else is there.
Status write_settings(const std::filesystem::path& folder, const FactorySettings& settings);
Result<FactorySettings> read_settings(const std::filesystem::path& folder);

Result<crypto::Certificate> read_certificate(const crypto::Engine& engine, const std::filesystem::path& file);

// One file per camera with its two certificates: identity, media signing. Those of later authorities have
// folders of their own.
std::filesystem::path issued_file(const std::filesystem::path& folder, std::string_view serial,
                                  std::uint16_t ca);
// What was issued beside them, one certificate.
std::filesystem::path further_file(const std::filesystem::path& folder, std::string_view serial,
                                   std::string_view use, std::uint16_t ca);

// Writes all of them and waits for the disk once. None replaces what anybody relies on: a stop on the way may
// leave pieces.
Status write_files_together(const std::filesystem::path& folder,
                            const std::vector<std::pair<std::filesystem::path, std::string>>& files);

}  // namespace camvault::identity

// SHA256SUMS: one line a file, as sha256sum writes and checks it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "camvault/crypto/engine.h"

namespace camvault::evidence {

inline constexpr std::size_t kMaxFiles = 1000;

struct Checksum {
  std::string name;  // relative, with '/' between folders
  std::string sha256;
};

Result<std::string> sha256_of_file(const crypto::Engine& engine, const std::filesystem::path& path);

std::string write_checksums(const std::vector<Checksum>& sums);
// Refuses names that are absolute, hidden, leave the folder or stand there twice (Errc::malformed).
Result<std::vector<Checksum>> read_checksums(std::string_view text);

// True for "clip.mp4", "certificates/chain.pem": letters, digits, ".", "-", "_"; no part begins with a dot.
bool is_plain_name(std::string_view name);

// What does not fit: "clip.mp4: changed", "report.json: missing", "x: not listed". Empty: all is as it was
// packed.
Result<std::vector<std::string>> check_folder(const crypto::Engine& engine,
                                              const std::filesystem::path& folder,
                                              const std::vector<Checksum>& sums);

}  // namespace camvault::evidence

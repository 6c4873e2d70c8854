// A bundle is what `camvault export` makes: a folder or ZIP file with a clip, its report, certificates and
// checksums.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "camvault/crypto/engine.h"

namespace camvault::cli {

// A folder that goes away with its owner.
class ScratchFolder {
 public:
  static Result<std::unique_ptr<ScratchFolder>> create();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

struct Bundle {
  std::unique_ptr<ScratchFolder> scratch;  // where a ZIP file was unpacked
  std::filesystem::path folder;
  std::filesystem::path clip;
  std::size_t files = 0;
  std::vector<std::string> problems;  // files that are not as they were packed
  std::string report_signed_by;       // empty: the report is not signed
};

bool is_bundle(const std::filesystem::path& path);

// Unpacks it if need be and checks every file. What does not fit is a problem, not an error.
Result<Bundle> open_bundle(const crypto::Engine& engine, const std::filesystem::path& path);

}  // namespace camvault::cli

// Creating the file that a clip is written to.
#pragma once

#include <filesystem>

#include "camvault/base/file.h"

namespace camvault::container {

// Creates or empties the file; readable and writable, closed on exec.
Result<UniqueFd> create_output(const std::filesystem::path& path);

// A file beside `path` that takes its place when all is written; removed again otherwise.
class PendingFile {
 public:
  static Result<PendingFile> create(const std::filesystem::path& path);
  ~PendingFile();
  PendingFile(PendingFile&& other) noexcept;
  PendingFile& operator=(PendingFile&&) = delete;
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }
  Status commit();

 private:
  PendingFile(std::filesystem::path target, std::filesystem::path temporary);

  std::filesystem::path target_;
  std::filesystem::path temporary_;  // empty: nothing to remove
};

}  // namespace camvault::container

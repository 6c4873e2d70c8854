// A private folder for one test, removed with everything in it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "camvault/base/file.h"

namespace camvault::test_support {

class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::filesystem::path& in = std::filesystem::temp_directory_path()) {
    auto name = (in / "camvault-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  // Writes a file and returns its path as text, ready for a command line.
  std::string write(std::string_view name, std::string_view content) const {
    const auto file = path_ / name;
    if (!write_file_atomically(file, as_bytes(content), 0600))
      throw std::runtime_error("cannot write " + file.string());
    return file.string();
  }
  std::string read(std::string_view name) const {
    const auto content = read_file(path_ / name, 64 * 1024 * 1024);
    if (!content) throw std::runtime_error(content.error().what);
    return std::string(as_text(*content));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace camvault::test_support

// A folder of small files, each written whole or not at all, whenever the process or the machine stops.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/file.h"

namespace camvault::keystore_engine {

// Called before every step that changes the disk, with its name. Tests stop the process there.
using StepHook = std::function<void(std::string_view step)>;

// Not thread-safe: its owner serialises create and remove.
class FileStore {
 public:
  static constexpr std::size_t kMaxFileSize = 16 * 1024;
  static constexpr std::size_t kMaxFiles = 8192;

  // Makes the folder (mode 0700) if it is not there and removes what an interrupted write left behind.
  static Result<FileStore> open(const std::filesystem::path& folder, StepHook hook = {});

  Result<std::vector<std::string>> names() const;  // ascending
  Result<Bytes> read(const std::string& name) const;
  // Errc::exists if the name is taken. When this returns, the file survives a power cut.
  Status create(const std::string& name, BytesView content);
  // The same for a name that is there: a reader, or a machine that lost power, finds the old file or the new
  // one.
  Status replace(const std::string& name, BytesView content);
  Status remove(const std::string& name);

 private:
  FileStore(UniqueFd folder, StepHook hook) : folder_(std::move(folder)), hook_(std::move(hook)) {}
  enum class Target { new_name, old_name };
  Status write(const std::string& name, BytesView content, Target target);
  Status remove_leftovers();
  Status sync_folder();
  void step(std::string_view name) const;

  UniqueFd folder_;
  StepHook hook_;
};

}  // namespace camvault::keystore_engine

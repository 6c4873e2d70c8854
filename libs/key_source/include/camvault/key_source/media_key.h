// Which key of the camera signs video since its certificate was renewed, and who still uses an older one. One
// file says both key and chain, so that nobody sees the one without the other:
//   key: camera/media-signing-2
//   -----BEGIN CERTIFICATE-----
// Programs that read PEM pass over the first line.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "camvault/base/file.h"

namespace camvault::key_source {

struct MediaKey {
  std::string key;        // in the keystore
  std::string chain_pem;  // leaf first
};

// Nothing without the file. Errc::malformed.
Result<std::optional<MediaKey>> read_media_key(const std::filesystem::path& file);
Status write_media_key(const std::filesystem::path& file, const MediaKey& media_key);

// Held by whoever signs with a key, until the object ends or the process does. It is a shared lock on a file
// beside `current` that is named after the key.
class KeyUse {
 public:
  // Before the key is named in `current`. Replaces nothing.
  static Status prepare(const std::filesystem::path& current, const std::string& key);
  // Errc::not_found if the key was retired, or was never prepared.
  static Result<KeyUse> begin(const std::filesystem::path& current, const std::string& key);
  // For who takes the key away: nobody uses it, and nobody can begin to while the object lives.
  // Errc::unavailable while somebody does. A key that was never prepared, or whose file is gone, is nobody's.
  static Result<KeyUse> retire(const std::filesystem::path& current, const std::string& key);
  // Behind retire(), when the key is gone.
  static void forget(const std::filesystem::path& current, const std::string& key);

 private:
  explicit KeyUse(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace camvault::key_source

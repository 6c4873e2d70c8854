// /etc/camvault/fleetd.toml. Unknown keys are errors.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "camvault/base/result.h"

namespace camvault::fleetd {

struct Config {
  std::string listen = "127.0.0.1";
  std::uint16_t port = 8443;
  std::vector<std::string> names = {"localhost", "127.0.0.1"};
  std::string organization = "Camera owner";
  std::string database;  // empty: SQLite in the state folder
  std::vector<std::filesystem::path> device_anchors;
  std::vector<std::filesystem::path> device_lists;
  std::vector<std::filesystem::path> operator_anchors;
  std::vector<std::filesystem::path> operator_lists;
  std::vector<std::filesystem::path> masa_anchors;  // who vouches for makers' services; none: no zero touch
  std::vector<std::filesystem::path> masa_lists;
  unsigned certificate_hours = 90 * 24;
  unsigned media_certificate_hours = 397 * 24;
  bool require_binding = false;
};

// Errc::usage with file and key; Errc::denied if others can change the file.
Result<Config> load_config(const std::filesystem::path& file);

}  // namespace camvault::fleetd

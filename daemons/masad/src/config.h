// /etc/camvault/masad.toml. Unknown keys are errors.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "camvault/base/result.h"

namespace camvault::masad {

// Whose a device is, when an owner's registrar asks.
enum class OwnerPolicy : std::uint8_t {
  first_owner,  // the first who asked has it, until it is released
  sales_list,   // who bought it, by the list
  logged,       // whoever asks; the log shows who did
};

struct Config {
  std::string listen = "127.0.0.1";
  std::uint16_t port = 9443;
  std::vector<std::string> names = {"localhost", "127.0.0.1"};
  std::string organization = "Camera maker";
  std::string database;  // empty: SQLite in the state folder
  std::vector<std::filesystem::path> device_anchors;
  std::vector<std::filesystem::path> device_lists;
  OwnerPolicy policy = OwnerPolicy::first_owner;
  std::filesystem::path sales_list;
  bool nonceless = false;
  unsigned nonceless_hours = 7 * 24;
};

// Errc::usage with file and key; Errc::denied if others can change the file.
Result<Config> load_config(const std::filesystem::path& file);

}  // namespace camvault::masad

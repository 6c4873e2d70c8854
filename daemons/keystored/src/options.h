// The command line of keystored.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "camvault/base/result.h"

namespace camvault::keystored {

struct Options {
  std::filesystem::path config;     // <root>/etc/camvault/keystored.toml
  std::filesystem::path socket;     // <root>/run/camvault/keystored.sock
  std::filesystem::path state;      // <root>/var/lib/camvault/keystored
  std::optional<std::string> user;  // to become when started as root
  int ready_fd = -1;                // gets one line when the socket listens; then closed
  bool help = false;
  bool version = false;
};

std::string usage();
Result<Options> parse_options(int argc, const char* const argv[]);

}  // namespace camvault::keystored

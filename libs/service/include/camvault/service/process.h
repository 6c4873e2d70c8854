// A service as a process: its options, what it gives up at its start, and when it is to stop.
#pragma once

#include <csignal>
#include <filesystem>
#include <functional>
#include <string>

#include "camvault/base/result.h"

namespace camvault::service {

struct ProcessOptions {
  std::filesystem::path root = "/";
  int ready_fd = -1;
  bool flag = false;  // FurtherOptions::flag was there
  std::string value;  // of FurtherOptions::valued
};

// What a service has beside --root, --ready-fd and --help; empty: nothing.
struct FurtherOptions {
  std::string_view flag;    // "--new-ca"
  std::string_view valued;  // "--release", and a value
};

// Runs `run` with no core dumps, no new privileges, umask 0077, and SIGTERM and
// SIGINT setting the flag. Returns the exit code: 0, 64 usage, 65 unreadable input, 69 service missing.
int run_process(int argc, const char* const argv[], const char* name, const char* help,
                FurtherOptions further, const std::function<Status(const ProcessOptions&)>& run);

const volatile std::sig_atomic_t* stop_flag();
// Tells whoever started us that we listen.
void announce(const ProcessOptions& options, std::uint16_t port);
Status make_folder(const std::filesystem::path& folder);

}  // namespace camvault::service

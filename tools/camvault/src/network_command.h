// camvault network.
#pragma once

#include <CLI/CLI.hpp>

namespace camvault::cli {

void add_network(CLI::App& app, int& exit_code);

}  // namespace camvault::cli

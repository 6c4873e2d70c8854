// The subcommands. Each add_* function hangs one under `app`; running it sets `exit_code`.
#pragma once

#include <CLI/CLI.hpp>

namespace camvault::cli {

inline constexpr const char* kVersion = CAMVAULT_VERSION;

void add_verify(CLI::App& app, int& exit_code);
void add_sign(CLI::App& app, int& exit_code);
void add_factory(CLI::App& app, int& exit_code);
void add_keystore(CLI::App& app, int& exit_code);
void add_attest(CLI::App& app, int& exit_code);
void add_cloud(CLI::App& app, int& exit_code);
void add_peer(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);
void add_camera(CLI::App& app, int& exit_code);
void add_trust(CLI::App& app, int& exit_code);
void add_export(CLI::App& app, int& exit_code);
void add_report(CLI::App& app, int& exit_code);
void add_demo(CLI::App& app, int& exit_code);
// Under `factory`.
void add_factory_enroll(CLI::App& factory, int& exit_code);
void add_help(CLI::App& app, int& exit_code);

}  // namespace camvault::cli

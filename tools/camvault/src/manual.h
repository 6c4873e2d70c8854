// Manual pages (man(7)) and bash completion, generated from the command line's own description.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace camvault::cli {

// `command` is `root` or one of its subcommands, `topic` the words that lead to it.
std::string manual_page(CLI::App& root, CLI::App& command, const std::vector<std::string>& topic);
// "camvault", "camvault-verify", "camvault-keystore-list", ...: depth first.
std::vector<std::string> manual_page_names(CLI::App& root);
std::string bash_completion(CLI::App& root);

}  // namespace camvault::cli

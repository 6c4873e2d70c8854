// camvault help: the manual pages and the shell completion, made from the options themselves so that they
// cannot drift.
#include <cstdio>
#include <memory>

#include "commands.h"
#include "exit_code.h"
#include "manual.h"

namespace camvault::cli {

namespace {
struct Options {
  std::vector<std::string> topic;
  bool man = false;
  bool completion = false;
  bool list = false;
};

// The subcommand that `topic` names ("keystore list"); null if there is none.
CLI::App* find(CLI::App& root, const std::vector<std::string>& topic) {
  auto* at = &root;
  for (const auto& word : topic) {
    const auto next = at->get_subcommands([&](CLI::App* sub) { return sub->get_name() == word; });
    if (next.empty()) return nullptr;
    at = next.front();
  }
  return at;
}

int run(CLI::App& root, const Options& options) {
  auto* command = find(root, options.topic);
  if (command == nullptr) return complain(kUsage, "there is no such subcommand (camvault --help lists them)");
  std::string text;
  if (options.completion) {
    text = bash_completion(root);
  } else if (options.list) {
    for (const auto& page : manual_page_names(root)) text += page + "\n";
  } else if (options.man) {
    text = manual_page(root, *command, options.topic);
  } else {
    text = command->help();
  }
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return complain(kCannotWrite, "standard output cannot be written");
  return kYes;
}
}  // namespace

void add_help(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("help", "print help, manual pages and shell completion");
  auto options = std::make_shared<Options>();
  command->add_option("SUBCOMMAND", options->topic, "what to explain; the whole program if not given");
  command->add_flag("--man", options->man, "as a manual page (roff)");
  command->add_flag("--bash-completion", options->completion, "the completion script for bash");
  command->add_flag("--list", options->list, "the names of all manual pages, one a line");
  command->footer(
      "Examples:\n"
      "  camvault help verify\n"
      "  camvault help verify --man | man -l -\n"
      "  source <(camvault help --bash-completion)");
  command->callback([options, &app, &exit_code] { exit_code = run(app, *options); });
}

}  // namespace camvault::cli

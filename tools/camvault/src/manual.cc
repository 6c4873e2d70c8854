#include "manual.h"

#include <algorithm>

#include "commands.h"

namespace camvault::cli {

namespace {
// man(7): a backslash and a hyphen are escaped, a line must not begin with a control character.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_start = c == '\n';
  }
  return out;
}

std::vector<const CLI::Option*> options_of(CLI::App& command, bool positional) {
  std::vector<const CLI::Option*> found;
  for (const auto* option : command.get_options()) {
    if (option->get_positional() == positional && !option->get_group().empty()) found.push_back(option);
  }
  return found;
}

std::vector<CLI::App*> subcommands_of(CLI::App& command) {
  return command.get_subcommands([](CLI::App* sub) { return !sub->get_group().empty(); });
}

std::vector<std::string> flags_of(const CLI::Option& option) {
  std::vector<std::string> flags;
  for (const auto& name : option.get_snames()) flags.push_back("-" + name);
  for (const auto& name : option.get_lnames()) flags.push_back("--" + name);
  return flags;
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

void synopsis(std::string& out, CLI::App& command, const std::string& words) {
  out += ".SH SYNOPSIS\n.B " + roff(words) + "\n";
  if (!options_of(command, false).empty()) out += "[\\fIOPTIONS\\fR]\n";
  for (const auto* option : options_of(command, true)) {
    const auto name = "\\fI" + roff(option->get_name(true)) + "\\fR";
    out += option->get_required() ? name + "\n" : "[" + name + "]\n";
  }
  if (!subcommands_of(command).empty()) out += "\\fISUBCOMMAND\\fR\n";
}

void options_section(std::string& out, CLI::App& command) {
  const auto positional = options_of(command, true);
  const auto named = options_of(command, false);
  if (!positional.empty()) out += ".SH ARGUMENTS\n";
  for (const auto* option : positional) {
    out += ".TP\n\\fI" + roff(option->get_name(true)) + "\\fR\n" + roff(option->get_description()) + "\n";
  }
  if (!named.empty()) out += ".SH OPTIONS\n";
  for (const auto* option : named) {
    std::string head;
    for (const auto& flag : flags_of(*option))
      head += (head.empty() ? "\\fB" : ", \\fB") + roff(flag) + "\\fR";
    if (takes_value(*option)) head += " \\fI" + roff(option->get_type_name()) + "\\fR";
    out += ".TP\n" + head + "\n" + roff(option->get_description()) + "\n";
  }
}

void collect(CLI::App& command, const std::string& name, std::vector<std::string>& names) {
  names.push_back(name);
  for (auto* sub : subcommands_of(command)) collect(*sub, name + "-" + sub->get_name(), names);
}

// One case a command: the words so far select the subcommands and options that may follow.
void completion_cases(std::string& out, CLI::App& command, const std::string& path) {
  std::string words;
  for (auto* sub : subcommands_of(command)) words += " " + sub->get_name();
  for (const auto* option : options_of(command, false)) {
    for (const auto& flag : flags_of(*option)) words += " " + flag;
  }
  out += "    \"" + path + "\") words=\"" + words.substr(words.empty() ? 0 : 1) + "\" ;;\n";
  for (auto* sub : subcommands_of(command))
    completion_cases(out, *sub, path + (path.empty() ? "" : " ") + sub->get_name());
}

void completion_paths(std::string& out, CLI::App& command, const std::string& path) {
  for (auto* sub : subcommands_of(command)) {
    const auto next = path + (path.empty() ? "" : " ") + sub->get_name();
    out += "|\"" + next + "\"";
    completion_paths(out, *sub, next);
  }
}
}  // namespace

std::string manual_page(CLI::App& root, CLI::App& command, const std::vector<std::string>& topic) {
  std::string words = "camvault";
  std::string page = "camvault";
  for (const auto& word : topic) {
    words += " " + word;
    page += "-" + word;
  }
  std::string upper = page;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });

  std::string out = ".TH " + roff(upper) + " 1 \"\" \"camvault " + kVersion + "\" \"Camvault\"\n";
  out += ".SH NAME\n" + roff(page) + " \\- " + roff(command.get_description()) + "\n";
  synopsis(out, command, words);
  options_section(out, command);
  const auto subcommands = subcommands_of(command);
  if (!subcommands.empty()) out += ".SH SUBCOMMANDS\n";
  for (auto* sub : subcommands) {
    out += ".TP\n\\fB" + roff(sub->get_name()) + "\\fR\n" + roff(sub->get_description()) + "\n";
  }
  if (const auto footer = command.get_footer(); !footer.empty())
    out += ".SH NOTES\n.nf\n" + roff(footer) + "\n.fi\n";
  out += ".SH SEE ALSO\n";
  std::string also;
  for (const auto& name : manual_page_names(root)) {
    if (name != page) also += (also.empty() ? "\\fB" : ",\n\\fB") + roff(name) + "\\fR(1)";
  }
  return out + also + "\n";
}

std::vector<std::string> manual_page_names(CLI::App& root) {
  std::vector<std::string> names;
  collect(root, "camvault", names);
  return names;
}

std::string bash_completion(CLI::App& root) {
  std::string paths;
  completion_paths(paths, root, "");
  std::string out =
      "# bash completion for camvault; made by `camvault help --bash-completion`\n"
      "_camvault() {\n"
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" words=\"\" word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"${path:+$path }$word\" in\n"
      "    " +
      paths.substr(paths.empty() ? 0 : 1) +
      ") path=\"${path:+$path }$word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$path\" in\n";
  completion_cases(out, root, "");
  out +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  if [ \"${current#-}\" = \"$current\" ]; then\n"
      "    local IFS=$'\\n'\n"
      "    COMPREPLY+=($(compgen -f -- \"$current\"))\n"
      "  fi\n"
      "}\n"
      "complete -o filenames -F _camvault camvault\n";
  return out;
}

}  // namespace camvault::cli

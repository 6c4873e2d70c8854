#include "config.h"

#include <pwd.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "camvault/base/file.h"
#include "camvault/keystore_software/software_backend.h"
#include "camvault/settings/table.h"

namespace camvault::keystored {

using keystore_engine::ApplicationRule;

namespace {
constexpr std::size_t kMaxConfig = 256 * 1024;
constexpr std::size_t kMaxUidsInRule = 64;

Status only_keys(const toml::table& table, std::initializer_list<std::string_view> known,
                 std::string_view where) {
  for (const auto& [key, value] : table) {
    if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
      return fail(Errc::usage, "unknown key \"" + std::string(key.str()) + "\" in " + std::string(where));
    }
  }
  return ok();
}

Result<std::uint32_t> read_uid(const toml::node& node, const std::string& where) {
  if (const auto number = node.value_exact<std::int64_t>()) {
    if (*number < 0 || *number >= 0xffffffff) return fail(Errc::usage, where + ": no such uid");
    return static_cast<std::uint32_t>(*number);
  }
  if (const auto name = node.value_exact<std::string>()) return uid_of(*name);
  return fail(Errc::usage, where + " is a uid or the name of a user");
}

Result<std::vector<std::uint32_t>> read_uids(const toml::table& table, std::string_view key,
                                             const std::string& where) {
  std::vector<std::uint32_t> uids;
  const auto* node = table.get(key);
  if (node == nullptr) return uids;
  const auto* array = node->as_array();
  const auto place = where + ", " + std::string(key);
  if (array == nullptr) return fail(Errc::usage, place + " is a list of uids and names of users");
  if (array->size() > kMaxUidsInRule) return fail(Errc::limit, place + ": more than 64 users");
  for (const auto& element : *array) {
    CAM_TRY(const auto uid, read_uid(element, place));
    uids.push_back(uid);
  }
  return uids;
}

Result<std::string> read_text(const toml::table& table, std::string_view key, const std::string& where) {
  const auto* node = table.get(key);
  if (node == nullptr) return std::string();
  const auto text = node->value_exact<std::string>();
  if (!text) return fail(Errc::usage, where + ", " + std::string(key) + " is text");
  return *text;
}

Result<ApplicationRule> read_application(const toml::node& node) {
  const auto* table = node.as_table();
  if (table == nullptr) return fail(Errc::usage, "application is a list of tables: [[application]]");
  ApplicationRule rule;
  CAM_TRY(rule.name, read_text(*table, "name", "[[application]]"));
  const auto where = "application " + rule.name;
  CAM_TRY_STATUS(only_keys(
      *table, {"name", "uid", "users", "managers", "provisioners", "import", "backend", "backup_owner"},
      where));
  const auto* uid = table->get("uid");
  if (uid == nullptr) return fail(Errc::usage, where + " has no uid");
  CAM_TRY(rule.uid, read_uid(*uid, where + ", uid"));
  CAM_TRY(rule.users, read_uids(*table, "users", where));
  CAM_TRY(rule.managers, read_uids(*table, "managers", where));
  if (!table->contains("managers")) rule.managers = {rule.uid};
  CAM_TRY(rule.provisioners, read_uids(*table, "provisioners", where));
  if (const auto* import = table->get("import")) {
    const auto value = import->value_exact<bool>();
    if (!value) return fail(Errc::usage, where + ", import is true or false");
    rule.import = *value;
  }
  CAM_TRY(rule.backend, read_text(*table, "backend", where));
  CAM_TRY(const auto owner, read_text(*table, "backup_owner", where));
  if (!owner.empty()) {
    CAM_TRY_STATUS(settings::check_only_owner_writes(owner));
    const auto file = read_file(owner, kMaxConfig);
    if (!file) return fail_in(where + ", backup_owner", file.error());
    auto certificate = keystore_software::read_owner_certificate(*file);
    if (!certificate) return fail_in(where + ", backup_owner " + owner, certificate.error());
    rule.owner = std::move(*certificate);
  }
  return rule;
}

Result<std::int64_t> read_limit(const toml::table& table, std::string_view key, std::int64_t preset,
                                std::int64_t most) {
  const auto* node = table.get(key);
  if (node == nullptr) return preset;
  const auto value = node->value_exact<std::int64_t>();
  if (!value || *value < 1 || *value > most) {
    return fail(Errc::usage,
                "limits, " + std::string(key) + " is a number from 1 to " + std::to_string(most));
  }
  return *value;
}

Result<Limits> read_limits(const toml::node& node) {
  const auto* table = node.as_table();
  if (table == nullptr) return fail(Errc::usage, "limits is a table: [limits]");
  CAM_TRY_STATUS(only_keys(*table, {"connections", "connections_per_uid", "frame_ms", "write_ms", "idle_ms"},
                           "[limits]"));
  Limits limits;
  constexpr std::int64_t kDay = 86'400'000;
  CAM_TRY(const auto connections, read_limit(*table, "connections", 256, 4096));
  CAM_TRY(const auto per_uid, read_limit(*table, "connections_per_uid", 64, 4096));
  CAM_TRY(const auto frame, read_limit(*table, "frame_ms", limits.frame_time.count(), kDay));
  CAM_TRY(const auto write, read_limit(*table, "write_ms", limits.write_time.count(), kDay));
  CAM_TRY(const auto idle, read_limit(*table, "idle_ms", limits.idle_time.count(), kDay));
  limits.connections = static_cast<std::size_t>(connections);
  limits.connections_per_uid = static_cast<std::size_t>(per_uid);
  limits.frame_time = std::chrono::milliseconds(frame);
  limits.write_time = std::chrono::milliseconds(write);
  limits.idle_time = std::chrono::milliseconds(idle);
  return limits;
}

// Seconds; a module that is silent for longer is one that hangs.
Result<std::chrono::milliseconds> read_deadline(const toml::node& node, const std::string& where) {
  const auto seconds = node.is_number() ? node.value<double>() : std::nullopt;
  if (!seconds || !(*seconds >= 0.5) || *seconds > 3600)
    return fail(Errc::usage, where + ", deadline is a number of seconds from 0.5 to 3600");
  return std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1000));
}

// Every other key of a [[backend]] is an option of its type; the type says which there are.
Result<BackendLine> read_backend(const toml::node& node) {
  const auto* table = node.as_table();
  if (table == nullptr) return fail(Errc::usage, "backend is a list of tables: [[backend]]");
  BackendLine line;
  CAM_TRY(line.type, read_text(*table, "type", "[[backend]]"));
  if (line.type.empty()) return fail(Errc::usage, "a [[backend]] has no type");
  CAM_TRY(line.name, read_text(*table, "name", "backend " + line.type));
  if (line.name.empty()) line.name = line.type;
  if (const auto* deadline = table->get("deadline")) {
    CAM_TRY(line.deadline, read_deadline(*deadline, "backend " + line.name));
  }
  for (const auto& [key, value] : *table) {
    if (key.str() == "type" || key.str() == "name" || key.str() == "deadline") continue;
    const auto text = value.value_exact<std::string>();
    if (!text) return fail(Errc::usage, "backend " + line.name + ", " + std::string(key.str()) + " is text");
    line.options.emplace(key.str(), *text);
  }
  CAM_TRY_STATUS(check_backend(line));
  return line;
}

Result<std::vector<BackendLine>> read_backends(const toml::table& top) {
  std::vector<BackendLine> lines;
  if (const auto* node = top.get("backend")) {
    const auto* list = node->as_array();
    if (list == nullptr) return fail(Errc::usage, "backend is a list of tables: [[backend]]");
    if (list->size() > kMaxBackends) return fail(Errc::limit, "more than 8 backends");
    for (const auto& entry : *list) {
      CAM_TRY(auto line, read_backend(entry));
      for (const auto& other : lines) {
        if (other.name == line.name) return fail(Errc::usage, "two backends are called " + line.name);
      }
      lines.push_back(std::move(line));
    }
  }
  if (lines.empty()) lines.push_back({.name = "software", .type = "software", .options = {}});
  return lines;
}

Status check_rule_backends(const std::vector<ApplicationRule>& rules,
                           const std::vector<BackendLine>& backends) {
  for (const auto& rule : rules) {
    const bool known =
        rule.backend.empty() ||
        std::any_of(backends.begin(), backends.end(), [&](const auto& b) { return b.name == rule.backend; });
    if (!known)
      return fail(Errc::usage,
                  "application " + rule.name + " wants backend " + rule.backend + ", which is not here");
  }
  return ok();
}
}  // namespace

Result<std::uint32_t> uid_of(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number != ~0u) return number;
  const auto* entry = ::getpwnam(std::string(text).c_str());  // before there are threads
  if (entry == nullptr) return fail(Errc::not_found, "there is no user " + std::string(text));
  return static_cast<std::uint32_t>(entry->pw_uid);
}

namespace {
// Debian's library is the one with exceptions: they end here.
Result<toml::table> parse_toml(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    const auto line = std::to_string(error.source().begin.line);
    return fail(Errc::malformed, "line " + line + ": " + std::string(error.description()));
  }
}
}  // namespace

Result<Config> parse_config(std::string_view text) {
  CAM_TRY(const auto top, parse_toml(text));
  CAM_TRY_STATUS(only_keys(top, {"application", "backend", "limits", "audit"}, "the file"));
  Config config;
  if (const auto* limits = top.get("limits")) {
    CAM_TRY(config.limits, read_limits(*limits));
  }
  CAM_TRY(const auto audit, read_text(top, "audit", "the file"));
  if (audit == "changes-and-refusals") {
    config.audit = AuditLevel::changes_and_refusals;
  } else if (!audit.empty() && audit != "all") {
    return fail(Errc::usage, "audit is \"all\" or \"changes-and-refusals\"");
  }
  std::vector<ApplicationRule> rules;
  if (const auto* node = top.get("application")) {
    const auto* list = node->as_array();
    if (list == nullptr) return fail(Errc::usage, "application is a list of tables: [[application]]");
    for (const auto& entry : *list) {
      CAM_TRY(auto rule, read_application(entry));
      rules.push_back(std::move(rule));
    }
  }
  CAM_TRY(config.backends, read_backends(top));
  CAM_TRY_STATUS(check_rule_backends(rules, config.backends));
  CAM_TRY(config.rules, keystore_engine::AccessRules::make(std::move(rules)));
  return config;
}

Result<Config> load_config(const std::filesystem::path& path) {
  CAM_TRY_STATUS(settings::check_only_owner_writes(path));
  CAM_TRY(const auto bytes, read_file(path, kMaxConfig));
  auto config = parse_config(as_text(bytes));
  if (!config) return fail_in(path.string(), std::move(config).error());
  return config;
}

}  // namespace camvault::keystored

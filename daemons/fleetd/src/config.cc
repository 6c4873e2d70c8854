#include "config.h"

#include <toml++/toml.h>

#include <functional>
#include <map>

#include "camvault/base/file.h"

namespace camvault::fleetd {

namespace {
constexpr std::size_t kMaxConfig = 256 * 1024;
constexpr std::int64_t kMaxHours = 10 * 365 * 24;

Status read_text(const toml::node& node, std::string& out) {
  const auto value = node.value_exact<std::string>();
  if (!value) return fail(Errc::usage, "wants a text");
  out = *value;
  return ok();
}

template <class T>
Status read_list(const toml::node& node, std::vector<T>& out) {
  const auto* array = node.as_array();
  if (array == nullptr) return fail(Errc::usage, "wants a list of texts");
  out.clear();
  for (const auto& element : *array) {
    const auto value = element.value_exact<std::string>();
    if (!value) return fail(Errc::usage, "wants a list of texts");
    out.emplace_back(*value);
  }
  return ok();
}

template <class T>
Status read_number(const toml::node& node, std::int64_t first, std::int64_t last, T& out) {
  const auto value = node.value_exact<std::int64_t>();
  if (!value || *value < first || *value > last)
    return fail(Errc::usage, "wants a number from " + std::to_string(first) + " to " + std::to_string(last));
  out = static_cast<T>(*value);
  return ok();
}
}  // namespace

Result<Config> load_config(const std::filesystem::path& file) {
  CAM_TRY(const auto text, read_file(file, kMaxConfig));
  Config out;
  const std::map<std::string_view, std::function<Status(const toml::node&)>> known = {
      {"listen", [&](const auto& n) { return read_text(n, out.listen); }},
      {"port", [&](const auto& n) { return read_number(n, 0, 65535, out.port); }},
      {"names", [&](const auto& n) { return read_list(n, out.names); }},
      {"organization", [&](const auto& n) { return read_text(n, out.organization); }},
      {"database", [&](const auto& n) { return read_text(n, out.database); }},
      {"device_anchors", [&](const auto& n) { return read_list(n, out.device_anchors); }},
      {"device_lists", [&](const auto& n) { return read_list(n, out.device_lists); }},
      {"operator_anchors", [&](const auto& n) { return read_list(n, out.operator_anchors); }},
      {"operator_lists", [&](const auto& n) { return read_list(n, out.operator_lists); }},
      {"certificate_hours",
       [&](const auto& n) { return read_number(n, 1, kMaxHours, out.certificate_hours); }},
      {"require_binding", [&](const auto& n) -> Status {
         const auto value = n.template value_exact<bool>();
         if (!value) return fail(Errc::usage, "wants true or false");
         out.require_binding = *value;
         return ok();
       }}};
  try {
    const auto table = toml::parse(as_text(text));
    for (const auto& [key, node] : table) {
      const auto at = known.find(key.str());
      if (at == known.end())
        return fail(Errc::usage, file.string() + ": unknown key \"" + std::string(key.str()) + "\"");
      const auto status = at->second(node);
      if (!status)
        return fail(Errc::usage, file.string() + ": " + std::string(key.str()) + " " + status.error().what);
    }
  } catch (const toml::parse_error& error) {
    return fail(Errc::usage,
                file.string() + ": not TOML in line " + std::to_string(error.source().begin.line));
  }
  if (out.names.empty()) return fail(Errc::usage, file.string() + ": names must not be empty");
  return out;
}

}  // namespace camvault::fleetd

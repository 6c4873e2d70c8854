#include "camvault/cloud/profile.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "camvault/settings/table.h"

namespace camvault::cloud {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kMaxName = 128;

Status read_path(const settings::Table& table, std::string_view key, const fs::path& folder, fs::path& out) {
  std::string text;
  CAM_TRY_STATUS(table.read(key, text));
  if (!text.empty()) out = folder / text;
  return ok();
}

Status read_broker(const settings::Table& table, Profile& out) {
  CAM_TRY_STATUS(table.only({"host", "port", "client_id", "username", "topic", "keepalive"}));
  CAM_TRY_STATUS(table.read("host", out.host));
  if (out.host.empty()) return table.wrong("host", "is missing");
  CAM_TRY_STATUS(table.read_number<std::uint16_t>("port", 1, 65535, out.port));
  CAM_TRY_STATUS(table.read("client_id", out.client_id));
  CAM_TRY_STATUS(table.read("username", out.username));
  CAM_TRY_STATUS(table.read("topic", out.topic));
  if (out.topic.find("{topic}") == std::string::npos) return table.wrong("topic", "has no place for {topic}");
  std::int64_t seconds = out.keepalive.count();
  CAM_TRY_STATUS(table.read_number("keepalive", 5, 3600, seconds));
  out.keepalive = std::chrono::seconds(seconds);
  return ok();
}

Status read_tls(const settings::Table& table, const fs::path& folder, Profile& out) {
  CAM_TRY_STATUS(table.only({"anchors", "lists", "key", "chain", "psk_identity", "psk_key", "secrets"}));
  CAM_TRY_STATUS(read_path(table, "anchors", folder, out.anchors));
  std::vector<std::string> lists;
  CAM_TRY_STATUS(table.read("lists", lists));
  for (const auto& list : lists) out.lists.push_back(folder / list);
  CAM_TRY_STATUS(table.read("key", out.key));
  CAM_TRY_STATUS(table.read("chain", out.chain));
  CAM_TRY_STATUS(table.read("psk_identity", out.psk_identity));
  CAM_TRY_STATUS(table.read("psk_key", out.psk_key));
  std::string secrets = "process";
  CAM_TRY_STATUS(table.read("secrets", secrets));
  if (secrets != "process" && secrets != "keystore")
    return table.wrong("secrets", "is \"process\" or \"keystore\"");
  out.secrets_in_keystore = secrets == "keystore";
  const bool psk = !out.psk_identity.empty();
  if (psk != !out.psk_key.empty()) return table.wrong("psk_identity", "and psk_key go together");
  if (psk == !out.anchors.empty())
    return table.wrong("anchors",
                       psk ? "are not for a PSK" : "are missing: without them there is no connection");
  if (psk && !out.secrets_in_keystore)
    return table.wrong("secrets", "is \"keystore\" for a PSK: it does not leave");
  return ok();
}

Result<std::string> filled(std::string text, const Profile& profile, const Device& device) {
  const std::pair<std::string_view, const std::string&> places[] = {
      {"{serial}", device.serial}, {"{common_name}", device.common_name}, {"{host}", profile.host}};
  for (const auto& [place, value] : places) {
    for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + value.size())) {
      const bool fits =
          !value.empty() && value.size() <= kMaxName && std::none_of(value.begin(), value.end(), [](char c) {
            return c == '/' || c == '+' || c == '#' || c == '{' || static_cast<unsigned char>(c) < ' ';
          });
      if (!fits)
        return fail(Errc::usage,
                    "the camera's certificate has no " + std::string(place) + " that a topic can hold");
      text.replace(at, place.size(), value);
    }
  }
  return text;
}
}  // namespace

Result<Profile> load_profile(const fs::path& file) {
  CAM_TRY_STATUS(settings::check_only_owner_writes(file));
  CAM_TRY(const auto top, settings::Table::load(file));
  CAM_TRY_STATUS(top.only({"mqtt", "tls"}));
  CAM_TRY(const auto broker, top.table("mqtt"));
  CAM_TRY(const auto tls, top.table("tls"));
  if (!broker || !tls) return top.wrong("[mqtt] or [tls]", "is missing");
  Profile out;
  CAM_TRY_STATUS(read_broker(*broker, out));
  CAM_TRY_STATUS(read_tls(*tls, file.parent_path(), out));
  return out;
}

Result<std::string> client_id(const Profile& profile, const Device& device) {
  return filled(profile.client_id, profile, device);
}

Result<std::string> username(const Profile& profile, const Device& device) {
  return filled(profile.username, profile, device);
}

Result<std::string> topic(const Profile& profile, const Device& device, const std::string& name) {
  const bool fits = !name.empty() && name.size() <= kMaxName && name.front() != '/' && name.back() != '/' &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                             c == '-' || c == '_' || c == '.' || c == '/';
                    });
  if (!fits) return fail(Errc::usage, "a topic is 1 to 128 letters, digits and - _ . /");
  CAM_TRY(auto text, filled(profile.topic, profile, device));
  text.replace(text.find("{topic}"), 7, name);
  if (text.size() > kMaxTopic || text.find_first_of("+#") != std::string::npos)
    return fail(Errc::usage, "a topic is at most 1024 bytes, without + and #");
  return text;
}

Status check_payload(std::string_view payload, const Device& device) {
  const auto json = nlohmann::json::parse(payload, nullptr, false);
  if (!json.is_object()) return ok();
  for (const char* member : {"device", "serial"}) {
    const auto at = json.find(member);
    if (at == json.end()) continue;
    if (!at->is_string() || at->get<std::string>() != device.serial)
      return fail(Errc::denied,
                  std::string("the message says in \"") + member + "\" that it is of another device");
  }
  return ok();
}

}  // namespace camvault::cloud

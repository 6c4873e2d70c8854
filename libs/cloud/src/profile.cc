#include "camvault/cloud/profile.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "camvault/http/message.h"
#include "camvault/settings/table.h"

namespace camvault::cloud {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kMaxName = 128;
constexpr std::string_view kTopicPlace = "{topic}";
constexpr std::string_view kIdPlace = "{id}";

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
  if (out.topic.find(kTopicPlace) == std::string::npos)
    return table.wrong("topic", "has no place for {topic}");
  std::int64_t seconds = out.keepalive.count();
  CAM_TRY_STATUS(table.read_number("keepalive", 5, 3600, seconds));
  out.keepalive = std::chrono::seconds(seconds);
  return ok();
}

Status read_server(const settings::Table& table, Profile& out) {
  out.transport = Transport::https;
  CAM_TRY_STATUS(table.only({"url", "method", "content_type"}));
  std::string text;
  CAM_TRY_STATUS(table.read("url", text));
  const auto url = http::parse_url(text);
  if (!url) return table.wrong("url", url.error().what);
  if (!url->tls) return table.wrong("url", "is not https");
  out.host = url->host;
  out.port = static_cast<std::uint16_t>(std::stoi(url->port));
  out.target = url->target;
  if (out.target.find(kTopicPlace) == std::string::npos)
    return table.wrong("url", "has no place for {topic}");
  CAM_TRY_STATUS(table.read("method", out.method));
  if (out.method != "POST" && out.method != "PUT") return table.wrong("method", "is \"POST\" or \"PUT\"");
  // A PUT to the same place replaces what was there (RFC 9110 9.3.4): each message needs a place of its own.
  if (out.method == "PUT" && out.target.find(kIdPlace) == std::string::npos)
    return table.wrong("url", "has no place for {id}: a message would replace the one before");
  CAM_TRY_STATUS(table.read("content_type", out.content_type));
  if (!std::all_of(out.content_type.begin(), out.content_type.end(),
                   [](char c) { return c >= ' ' && c <= '~'; }))
    return table.wrong("content_type", "is no media type");
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
  if (psk && out.transport == Transport::https)
    return table.wrong("psk_identity", "is for MQTT: an HTTPS server shows a certificate");
  return ok();
}

// RFC 3986 2.1, 2.3.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
        c == '.' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kDigits[u >> 4U];
      out += kDigits[u & 15U];
    }
  }
  return out;
}

// One step of a path or topic that means nobody but its bearer.
bool fits_in_a_topic(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return c == '/' || c == '+' || c == '#' || c == '{' || static_cast<unsigned char>(c) < ' ';
         });
}

Result<std::string> filled(std::string text, const Profile& profile, const Device& device,
                           bool in_url = false) {
  const std::pair<std::string_view, const std::string&> places[] = {
      {"{serial}", device.serial}, {"{common_name}", device.common_name}, {"{host}", profile.host}};
  for (const auto& [place, value] : places) {
    const auto written = in_url ? percent_encoded(value) : value;
    for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + written.size())) {
      if (!fits_in_a_topic(value))
        return fail(Errc::usage,
                    "the camera's certificate has no " + std::string(place) + " that a topic can hold");
      text.replace(at, place.size(), written);
    }
  }
  return text;
}

void fill(std::string& text, std::string_view place, std::string_view value) {
  if (const auto at = text.find(place); at != std::string::npos) text.replace(at, place.size(), value);
}

// Steps between slashes; none of them leads up, or nowhere: a server would make another path of it.
Status check_topic_name(std::string_view name) {
  bool fits = !name.empty() && name.size() <= kMaxName;
  for (std::size_t at = 0; fits && at <= name.size();) {
    const auto end = std::min(name.find('/', at), name.size());
    const auto step = name.substr(at, end - at);
    fits = !step.empty() && step != "." && step != ".." && std::all_of(step.begin(), step.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
             c == '_' || c == '.';
    });
    at = end + 1;
  }
  if (!fits) return fail(Errc::usage, "a topic is 1 to 128 letters, digits and - _ . with single / between");
  return ok();
}
}  // namespace

Result<Profile> load_profile(const fs::path& file) {
  CAM_TRY_STATUS(settings::check_only_owner_writes(file));
  CAM_TRY(const auto top, settings::Table::load(file));
  CAM_TRY_STATUS(top.only({"mqtt", "https", "tls"}));
  CAM_TRY(const auto broker, top.table("mqtt"));
  CAM_TRY(const auto server, top.table("https"));
  CAM_TRY(const auto tls, top.table("tls"));
  if (broker.has_value() == server.has_value())
    return top.wrong("[mqtt]", "or [https]: one of them is wanted");
  if (!tls) return top.wrong("[tls]", "is missing");
  Profile out;
  CAM_TRY_STATUS(broker ? read_broker(*broker, out) : read_server(*server, out));
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
  CAM_TRY_STATUS(check_topic_name(name));
  CAM_TRY(auto text, filled(profile.topic, profile, device));
  fill(text, kTopicPlace, name);
  if (text.size() > kMaxTopic || text.find_first_of("+#") != std::string::npos)
    return fail(Errc::usage, "a topic is at most 1024 bytes, without + and #");
  return text;
}

Result<std::string> target(const Profile& profile, const Device& device, const std::string& name,
                           const std::string& id) {
  CAM_TRY_STATUS(check_topic_name(name));
  CAM_TRY(auto text, filled(profile.target, profile, device, true));
  fill(text, kTopicPlace, name);
  fill(text, kIdPlace, id);
  return text;
}

Result<std::string> destination(const Profile& profile, const Device& device, const std::string& name) {
  if (profile.transport == Transport::mqtt) return topic(profile, device, name);
  CAM_TRY(const auto path, target(profile, device, name, std::string(kIdPlace)));
  const http::Url url{true, profile.host, std::to_string(profile.port), path};
  return "https://" + url.authority() + path;
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

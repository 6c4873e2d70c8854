#include <algorithm>

#include "camvault/http/message.h"

namespace camvault::http {

namespace {
constexpr std::size_t kMaxUrl = 2048;

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_host(std::string_view text, bool in_brackets) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [&](char c) {
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (in_brackets) return hex || c == ':' || c == '.';
    return hex || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
  });
}
}  // namespace

std::string Url::authority() const {
  const auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (tls ? "443" : "80") ? name : name + ":" + port;
}

Result<Url> parse_url(std::string_view text) {
  const auto bad = [](const char* why) {
    return fail(Errc::usage, std::string("not a URL that can be asked: ") + why);
  };
  if (text.size() > kMaxUrl) return bad("longer than 2048 bytes");
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; }))
    return bad("spaces, control characters or letters outside ASCII");
  Url out;
  out.tls = text.starts_with("https://");
  if (!out.tls && !text.starts_with("http://")) return bad("http:// or https:// is wanted");
  text.remove_prefix(out.tls ? 8 : 7);
  if (text.find('#') != std::string_view::npos) return bad("a fragment");
  const auto end = std::min(text.find_first_of("/?"), text.size());
  auto authority = text.substr(0, end);
  const auto rest = text.substr(end);
  if (authority.find('@') != std::string_view::npos)
    return bad("a name or password in it could be read by others");
  const bool brackets = authority.starts_with('[');
  const auto host_end = brackets ? authority.find(']') : authority.find(':');
  if (brackets && host_end == std::string_view::npos) return bad("host, port or path");
  out.host = brackets ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  authority.remove_prefix(std::min(authority.size(), brackets ? host_end + 1 : out.host.size()));
  out.port = out.tls ? "443" : "80";
  if (authority.starts_with(':')) {
    out.port = authority.substr(1);
    if (!is_digits(out.port) || out.port.size() > 5 || std::stoi(out.port) > 65535 ||
        std::stoi(out.port) == 0)
      return bad("host, port or path");
  } else if (!authority.empty()) {
    return bad("host, port or path");
  }
  if (!is_host(out.host, brackets)) return bad("host, port or path");
  out.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return out;
}

}  // namespace camvault::http

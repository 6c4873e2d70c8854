#include "token_uri.h"

#include <charconv>

#include "camvault/base/bytes.h"

namespace camvault::keystore_pkcs11 {

namespace {
constexpr std::string_view kScheme = "pkcs11:";

// RFC 3986 2.1. A zero byte or a control character is in no token's label.
Result<std::string> unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    char c = text.front();
    std::size_t used = 1;
    if (c == '%') {
      CAM_TRY(const auto byte, from_hex(text.substr(1, 2)));
      if (byte.size() != 1) return fail(Errc::usage, "a percent escape without two digits");
      c = static_cast<char>(byte[0]);
      used = 3;
    }
    if (static_cast<unsigned char>(c) < 0x20) return fail(Errc::usage, "a control character in a URI");
    out += c;
    text.remove_prefix(used);
  }
  return out;
}

Status set(std::optional<std::string>& field, const std::string& value) {
  if (field) return fail(Errc::usage, "an attribute of the URI is given twice");
  field = value;
  return ok();
}

Status take_attribute(TokenUri& uri, std::string_view attribute) {
  const auto equals = attribute.find('=');
  if (equals == std::string_view::npos) return fail(Errc::usage, "an attribute of the URI has no value");
  const auto name = attribute.substr(0, equals);
  CAM_TRY(const auto value, unescape(attribute.substr(equals + 1)));
  if (name == "token") return set(uri.token, value);
  if (name == "serial") return set(uri.serial, value);
  if (name == "manufacturer") return set(uri.manufacturer, value);
  if (name == "model") return set(uri.model, value);
  if (name == "slot-id") {
    unsigned long number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (uri.slot_id || error != std::errc() || end != value.data() + value.size())
      return fail(Errc::usage, "slot-id is one number");
    uri.slot_id = number;
    return ok();
  }
  return fail(
      Errc::usage,
      "the URI names a token by token, serial, manufacturer, model and slot-id; not by " + std::string(name));
}

bool fits(const std::optional<std::string>& wanted, const std::string& found) {
  return !wanted || *wanted == found;
}
}  // namespace

bool TokenUri::matches(const Token& found) const {
  return fits(token, found.label) && fits(serial, found.serial) && fits(manufacturer, found.manufacturer) &&
         fits(model, found.model) && (!slot_id || *slot_id == found.slot_id);
}

Result<TokenUri> parse_token_uri(std::string_view uri) {
  if (uri.size() > kMaxUri) return fail(Errc::limit, "a URI of more than 512 characters");
  if (!uri.starts_with(kScheme)) return fail(Errc::usage, "a PKCS#11 URI begins with pkcs11:");
  uri.remove_prefix(kScheme.size());
  if (uri.find('?') != std::string_view::npos)
    return fail(Errc::usage, "the URI has a query part: PIN and module have options of their own");
  TokenUri out;
  while (!uri.empty()) {
    const auto end = uri.find(';');
    CAM_TRY_STATUS(take_attribute(out, uri.substr(0, end)));
    uri.remove_prefix(end == std::string_view::npos ? uri.size() : end + 1);
  }
  return out;
}

}  // namespace camvault::keystore_pkcs11

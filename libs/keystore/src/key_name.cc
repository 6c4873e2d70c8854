#include "camvault/keystore/key_name.h"

#include <algorithm>

namespace camvault::keystore {

bool is_name_part(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNamePart && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

bool is_backend_name(std::string_view text) {
  return is_name_part(text) && text.size() <= kMaxBackendName;
}

Result<KeyName> KeyName::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return fail(Errc::usage, "a key name is application/name");
  return make(text.substr(0, slash), text.substr(slash + 1));
}

Result<KeyName> KeyName::make(std::string_view application, std::string_view name) {
  if (!is_name_part(application) || !is_name_part(name)) {
    return fail(Errc::usage, "application and name of a key are 1 to 63 characters of a-z 0-9 . _ - each");
  }
  return KeyName(std::string(application) + "/" + std::string(name), application.size());
}

}  // namespace camvault::keystore

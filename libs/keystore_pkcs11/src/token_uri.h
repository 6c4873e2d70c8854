// PKCS#11 URIs (RFC 7512) as far as they name a token: by its label, serial number, maker, model or slot.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "camvault/base/result.h"

namespace camvault::keystore_pkcs11 {

struct TokenUri {
  std::optional<std::string> token;  // the token's label
  std::optional<std::string> serial;
  std::optional<std::string> manufacturer;
  std::optional<std::string> model;
  std::optional<unsigned long> slot_id;

  // What a token says of itself, without its padding.
  struct Token {
    std::string label;
    std::string serial;
    std::string manufacturer;
    std::string model;
    unsigned long slot_id = 0;
  };
  bool matches(const Token& token) const;
};

inline constexpr std::size_t kMaxUri = 512;

// Errc::usage: not a PKCS#11 URI, an attribute that does not name a token (an object's, or a PIN: that
// belongs into a file), one given twice, a bad percent escape.
Result<TokenUri> parse_token_uri(std::string_view uri);

}  // namespace camvault::keystore_pkcs11

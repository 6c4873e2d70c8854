// The name of a key: "application/name". The application is a namespace that keystored maps to the uids that
// may touch it; two applications may use the same name.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "camvault/base/result.h"

namespace camvault::keystore {

inline constexpr std::size_t kMaxNamePart = 63;

// True for 1 to 63 characters out of [a-z0-9._-].
bool is_name_part(std::string_view text);

inline constexpr std::size_t kMaxBackendName = 32;
// The same with at most 32 characters: what a module that holds keys is called.
bool is_backend_name(std::string_view text);

class KeyName {
 public:
  // "camera/media-signing". Errc::usage for anything that does not match [a-z0-9._-]{1,63}/[a-z0-9._-]{1,63}.
  static Result<KeyName> parse(std::string_view text);
  static Result<KeyName> make(std::string_view application, std::string_view name);

  std::string_view application() const { return std::string_view(text_).substr(0, slash_); }
  std::string_view name() const { return std::string_view(text_).substr(slash_ + 1); }
  const std::string& text() const { return text_; }

  friend bool operator==(const KeyName& a, const KeyName& b) { return a.text_ == b.text_; }
  friend std::strong_ordering operator<=>(const KeyName& a, const KeyName& b) { return a.text_ <=> b.text_; }

 private:
  KeyName(std::string text, std::size_t slash) : text_(std::move(text)), slash_(slash) {}
  std::string text_;
  std::size_t slash_;
};

}  // namespace camvault::keystore

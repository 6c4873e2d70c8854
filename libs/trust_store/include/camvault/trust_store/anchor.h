// One trusted certificate, and the file that holds it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "camvault/base/time.h"
#include "camvault/crypto/engine.h"

namespace camvault::trust_store {

// What somebody is trusted for. A certificate trusted as one kind is not trusted as another.
enum class Kind : std::uint8_t {
  maker,  // says which camera it is: roots of device certificates
  owner,  // stands behind certificates that a camera's user put into it
  tsa,    // says when something existed: roots of time stamp authorities (RFC 3161)
};
std::string_view to_string(Kind kind);  // "maker", "owner", "tsa"
Result<Kind> kind_from_string(std::string_view text);

struct Anchor {
  Kind kind = Kind::maker;
  std::string label;  // for people; may be empty
  Timestamp added;
  crypto::Certificate certificate;
};

inline constexpr std::size_t kMaxLabel = 100;  // bytes of UTF-8
inline constexpr std::size_t kMaxAnchorFile =
    128 * 1024;  // a certificate of 64 KiB in base64, and the header

// Letters, digits, spaces and punctuation of UTF-8 without control characters, at most kMaxLabel bytes: a
// label is one line of the file.
bool is_label(std::string_view text);

// The file's text: three comment lines (form and version, label, moment) and one PEM certificate. Every
// program that reads PEM can read it. The kind is the folder's, not the file's.
std::string write_anchor_file(const Anchor& anchor, std::string_view certificate_pem);

// Reads one; `kind` is the folder's. Errc::malformed for anything but the form above with exactly one
// certificate, Errc::unsupported for another version.
Result<Anchor> read_anchor_file(const crypto::Engine& engine, Kind kind, BytesView content);

}  // namespace camvault::trust_store

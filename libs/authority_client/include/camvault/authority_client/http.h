// One question, one answer over HTTP/1.1 or HTTPS, within limits.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"

namespace camvault::authority_client {

inline constexpr std::chrono::seconds kDefaultTimeout{10};

// Somebody to ask. HTTPS: libs/tls; the certificate must be of that host and lead to an authority of the
// system, or of `ca_file` (PEM) if given; revocation lists in that file count. HTTP is allowed because RFC
// 3161 tokens and OCSP responses are signed themselves; whoever sits on the wire can only withhold them, and
// see digests.
struct Server {
  std::string url;  // http://HOST[:PORT]/PATH or https://...
  std::filesystem::path ca_file;
  std::chrono::seconds timeout =
      kDefaultTimeout;  // for all of it but the name lookup, which the system limits
};

// Errc::usage for a URL that is none, is of another scheme, or holds a password (other users could read it)
// or a fragment.
Status check_url(const std::string& url);

struct Question {
  std::string content_type;
  std::string expected_type;  // the answer must have it
  BytesView body;
  std::size_t max_answer = 64 * 1024;  // bytes of one DER element
};

// Waits for the answer: one DER element. No redirection is followed, no proxy used. Errc::unavailable
// when the server is away, slow or answers anything but that; the reason says what, never with words of the
// server.
Result<Bytes> ask(const Server& server, const Question& question);

}  // namespace camvault::authority_client

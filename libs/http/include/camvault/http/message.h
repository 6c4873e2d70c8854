// HTTP/1.1 messages (RFC 9110, 9112) as values, out of a stream and into it, within limits. No redirections,
// no caches, no proxies: what Camvault's own services speak.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "camvault/net/stream.h"

namespace camvault::http {

struct Header {
  std::string name;  // compared without case
  std::string value;
};

class Headers {
 public:
  void add(std::string name, std::string value) { list_.push_back({std::move(name), std::move(value)}); }
  // The value of the only header of that name; empty if there is none, or more than one.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  const std::vector<Header>& all() const { return list_; }

 private:
  std::vector<Header> list_;
};

struct Request {
  std::string method;  // "GET"
  std::string target;  // origin form: "/path?query", visible ASCII
  Headers headers;
  Bytes body;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const;  // without the '?'
  bool keeps_alive() const;
};

struct Response {
  int status = 200;
  Headers headers;
  Bytes body;
};

struct Limits {
  std::size_t head = 16 * 1024;  // start line and headers, bytes
  std::size_t headers = 64;
  std::size_t body = 64 * 1024;
};

// Messages of one connection, one after the other: keeps what came too early. The stream must outlive it.
// Errors: malformed, limit (the connection is of no use then); those of the stream; not_found: it ended
// before the first byte of a message.
class Reader {
 public:
  explicit Reader(net::Stream& stream) : stream_(stream) {}
  Result<Request> request(const Limits& limits, net::Deadline deadline);
  // `to_head`: the answer to a HEAD request, which has no body.
  Result<Response> response(const Limits& limits, net::Deadline deadline, bool to_head = false);

 private:
  Result<std::string> head(std::size_t limit, net::Deadline deadline);
  Result<Bytes> body(const Headers& headers, bool until_end, std::size_t limit, net::Deadline deadline);
  Result<Bytes> chunks(std::size_t limit, net::Deadline deadline);
  Result<std::string> line(std::size_t limit, net::Deadline deadline);
  Status exactly(std::size_t count, Bytes& out, net::Deadline deadline);
  Status fill(net::Deadline deadline);

  net::Stream& stream_;
  Bytes waiting_;
  std::size_t used_ = 0;  // of waiting_
};

// Content-Length is written from the body. Errc::usage for a header that would be two.
Status write_request(net::Stream& stream, const Request& request, net::Deadline deadline);
Status write_response(net::Stream& stream, const Response& response, net::Deadline deadline);

// "application/pkcs7-mime" of "Application/PKCS7-mime; smime-type=certs-only".
std::string media_type(std::string_view content_type);

// The seconds of a Retry-After header (RFC 9110 10.2.3), at most a day; nothing if there are none, or a date.
std::optional<std::chrono::seconds> retry_after(const Response& response);

struct Url {
  bool tls = false;
  std::string host;  // an IPv6 address without its brackets
  std::string port;
  std::string target;             // path and query, at least "/"
  std::string authority() const;  // for the Host header
};
// Errc::usage for what is no http(s) URL, is longer than 2048 bytes, or holds a password or a fragment.
Result<Url> parse_url(std::string_view text);

}  // namespace camvault::http

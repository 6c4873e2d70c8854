#include "camvault/http/message.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace camvault::http {

namespace {
constexpr std::size_t kPiece = 4096;
constexpr std::size_t kMaxChunkLine = 256;  // size and extensions
constexpr std::size_t kMaxTarget = 4096;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// RFC 9110 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}
// No control characters but the tab; what is outside ASCII passes.
bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u == '\t' || (u >= 0x20 && u != 0x7f);
  });
}
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

tl::unexpected<Error> malformed(const char* what) {
  return fail(Errc::malformed, std::string("not HTTP/1.1: ") + what);
}

// One line without its end, which must be CR LF (RFC 9112 2.2; a bare LF is refused: smuggling begins there).
Result<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos || end == 0 || text[end - 1] != '\r') return malformed("line end");
  const auto line = text.substr(0, end - 1);
  if (line.find('\r') != std::string_view::npos) return malformed("line end");
  text.remove_prefix(end + 1);
  return line;
}

Result<Headers> read_headers(std::string_view text, std::size_t limit) {
  Headers out;
  while (!text.empty()) {
    CAM_TRY(const auto line, take_line(text));
    if (line.empty()) break;
    if (out.all().size() == limit) return fail(Errc::limit, "too many headers");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return malformed("header");
    const auto value = trimmed(line.substr(colon + 1));
    if (!is_field_value(value)) return malformed("header value");
    out.add(std::string(line.substr(0, colon)), std::string(value));
  }
  return out;
}

template <class T>
std::optional<T> number(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::size_t count_of(const Headers& headers, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(headers.all().begin(), headers.all().end(),
                                                [&](const Header& h) { return same_word(h.name, name); }));
}

Status add_headers(std::string& out, const Headers& headers, std::size_t body, bool with_length) {
  for (const auto& header : headers.all()) {
    if (!is_token(header.name) || !is_field_value(header.value)) return fail(Errc::usage, "header");
    out += header.name + ": " + header.value + "\r\n";
  }
  if (with_length) out += "Content-Length: " + std::to_string(body) + "\r\n";
  out += "\r\n";
  return ok();
}

Status write_both(net::Stream& stream, const std::string& head, BytesView body, net::Deadline deadline) {
  // In one piece when it is small: one record, one packet.
  constexpr std::size_t kTogether = 16 * 1024;
  if (head.size() + body.size() > kTogether) {
    CAM_TRY_STATUS(stream.write(as_bytes(head), deadline));
    return stream.write(body, deadline);
  }
  auto all = to_bytes(as_bytes(head));
  append(all, body);
  return stream.write(all, deadline);
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "";
  }
}
}  // namespace

std::string_view Headers::get(std::string_view name) const {
  const Header* found = nullptr;
  for (const auto& header : list_) {
    if (!same_word(header.name, name)) continue;
    if (found != nullptr) return {};
    found = &header;
  }
  return found == nullptr ? std::string_view() : std::string_view(found->value);
}

bool Headers::has(std::string_view name) const {
  return count_of(*this, name) > 0;
}

std::string_view Request::query() const {
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

bool Request::keeps_alive() const {
  return !same_word(headers.get("Connection"), "close");
}

std::string media_type(std::string_view content_type) {
  std::string out(trimmed(content_type.substr(0, content_type.find(';'))));
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::optional<std::chrono::seconds> retry_after(const Response& response) {
  constexpr std::int64_t kLongest = 24 * 3600;  // a server that says more is not believed
  const auto text = response.headers.get("Retry-After");
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || seconds < 0)
    return std::nullopt;
  return std::chrono::seconds(std::min(seconds, kLongest));
}

Status Reader::fill(net::Deadline deadline) {
  if (used_ > 0) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ = 0;
  }
  const auto before = waiting_.size();
  waiting_.resize(before + kPiece);
  const auto count = stream_.read(std::span(waiting_).subspan(before), deadline);
  waiting_.resize(before + (count ? *count : 0));
  if (!count) return tl::unexpected(count.error());
  if (*count == 0) return fail(before == 0 ? Errc::not_found : Errc::malformed, "the connection ended");
  return ok();
}

// Through the empty line, which is left out. Looks at each byte once.
Result<std::string> Reader::head(std::size_t limit, net::Deadline deadline) {
  std::size_t searched = used_;
  for (;;) {
    const auto text = as_text(BytesView(waiting_));
    const auto end = text.find("\r\n\r\n", searched);
    if (end != std::string_view::npos && end - used_ <= limit) {
      std::string out(text.substr(used_, end + 2 - used_));
      used_ = end + 4;
      return out;
    }
    if (text.size() - used_ > limit) return fail(Errc::limit, "a head longer than the limit");
    searched = text.size() - used_ > 3 ? text.size() - used_ - 3 : 0;
    CAM_TRY_STATUS(fill(deadline));
  }
}

Result<std::string> Reader::line(std::size_t limit, net::Deadline deadline) {
  for (;;) {
    const auto text = as_text(BytesView(waiting_)).substr(used_);
    const auto end = text.find("\r\n");
    if (end != std::string_view::npos && end <= limit) {
      std::string out(text.substr(0, end));
      used_ += end + 2;
      return out;
    }
    if (text.size() > limit) return fail(Errc::limit, "a line longer than the limit");
    auto status = fill(deadline);
    if (!status)
      return status.error().code == Errc::not_found ? malformed("cut off") : tl::unexpected(status.error());
  }
}

Status Reader::exactly(std::size_t count, Bytes& out, net::Deadline deadline) {
  const auto there = std::min(count, waiting_.size() - used_);
  append(out, BytesView(waiting_).subspan(used_, there));
  used_ += there;
  auto missing = count - there;
  // Memory grows with what comes, not with what was announced.
  std::array<std::uint8_t, 16 * 1024> piece{};
  while (missing > 0) {
    CAM_TRY(const auto got, stream_.read(std::span(piece).first(std::min(missing, piece.size())), deadline));
    if (got == 0) return malformed("cut off");
    append(out, BytesView(piece).first(got));
    missing -= got;
  }
  return ok();
}

// RFC 9112 7.1.
Result<Bytes> Reader::chunks(std::size_t limit, net::Deadline deadline) {
  Bytes out;
  for (;;) {
    CAM_TRY(const auto text, line(kMaxChunkLine, deadline));
    const auto size = number<std::size_t>(std::string_view(text).substr(0, text.find(';')), 16);
    if (!size) return malformed("chunk size");
    if (*size > limit - out.size()) return fail(Errc::limit, "a body longer than the limit");
    if (*size == 0) break;
    CAM_TRY_STATUS(exactly(*size, out, deadline));
    CAM_TRY(const auto end, line(0, deadline));
  }
  for (std::size_t trailers = 0;; ++trailers) {
    if (trailers > 16) return fail(Errc::limit, "too many trailers");
    CAM_TRY(const auto trailer, line(1024, deadline));
    if (trailer.empty()) return out;
  }
}

// RFC 9112 6.3: chunked, or a length, or (answers) until the end. Both, or two lengths, are refused.
Result<Bytes> Reader::body(const Headers& headers, bool until_end, std::size_t limit,
                           net::Deadline deadline) {
  Bytes out;
  if (headers.has("Transfer-Encoding")) {
    if (!same_word(headers.get("Transfer-Encoding"), "chunked") || headers.has("Content-Length"))
      return malformed("transfer coding");
    return chunks(limit, deadline);
  }
  if (headers.has("Content-Length")) {
    const auto size = number<std::size_t>(headers.get("Content-Length"), 10);
    if (!size) return malformed("content length");
    if (*size > limit) return fail(Errc::limit, "a body longer than the limit");
    CAM_TRY_STATUS(exactly(*size, out, deadline));
    return out;
  }
  if (!until_end) return out;
  for (;;) {
    append(out, BytesView(waiting_).subspan(used_));
    used_ = waiting_.size();
    if (out.size() > limit) return fail(Errc::limit, "a body longer than the limit");
    auto more = fill(deadline);
    if (!more && more.error().code == Errc::not_found) return out;
    if (!more) return tl::unexpected(more.error());
  }
}

Result<Request> Reader::request(const Limits& limits, net::Deadline deadline) {
  CAM_TRY(const auto text, head(limits.head, deadline));
  std::string_view rest = text;
  CAM_TRY(const auto first, take_line(rest));
  const auto space = first.find(' ');
  const auto last = first.rfind(' ');
  if (space == std::string_view::npos || last == space) return malformed("request line");
  Request out;
  out.method = first.substr(0, space);
  out.target = first.substr(space + 1, last - space - 1);
  const bool good_target =
      out.target.starts_with('/') && out.target.size() <= kMaxTarget &&
      std::all_of(out.target.begin(), out.target.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!is_token(out.method) || out.method.size() > 16 || !good_target) return malformed("request line");
  const auto version = first.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return malformed("version");
  CAM_TRY(out.headers, read_headers(rest, limits.headers));
  CAM_TRY(out.body, body(out.headers, false, limits.body, deadline));
  if (version == "HTTP/1.0" && !out.headers.has("Connection")) out.headers.add("Connection", "close");
  return out;
}

Result<Response> Reader::response(const Limits& limits, net::Deadline deadline, bool to_head) {
  for (int informational = 0; informational < 4; ++informational) {
    CAM_TRY(const auto text, head(limits.head, deadline));
    std::string_view rest = text;
    CAM_TRY(const auto first, take_line(rest));
    // HTTP/1.x SP 3DIGIT [SP reason]
    if (first.size() < 12 || !first.starts_with("HTTP/1.") || first[8] != ' ' ||
        (first.size() > 12 && first[12] != ' '))
      return malformed("status line");
    const auto status = number<int>(first.substr(9, 3), 10);
    if (!status || *status < 100) return malformed("status");
    Response out;
    out.status = *status;
    CAM_TRY(out.headers, read_headers(rest, limits.headers));
    if (out.status < 200) continue;  // RFC 9110 15.2: the real one follows
    const bool empty = to_head || out.status == 204 || out.status == 304;
    if (!empty) {
      CAM_TRY(out.body, body(out.headers, true, limits.body, deadline));
    }
    return out;
  }
  return fail(Errc::limit, "too many informational answers");
}

Status write_request(net::Stream& stream, const Request& request, net::Deadline deadline) {
  const bool good_target =
      request.target.starts_with('/') &&
      std::all_of(request.target.begin(), request.target.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!is_token(request.method) || !good_target) return fail(Errc::usage, "request line");
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\n";
  CAM_TRY_STATUS(add_headers(head, request.headers, request.body.size(), request.method != "GET"));
  return write_both(stream, head, request.body, deadline);
}

Status write_response(net::Stream& stream, const Response& response, net::Deadline deadline) {
  if (response.status < 200 || response.status > 599) return fail(Errc::usage, "status");
  std::string head =
      "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(reason_of(response.status)) + "\r\n";
  CAM_TRY_STATUS(add_headers(head, response.headers, response.body.size(), response.status != 204));
  return write_both(stream, head, response.body, deadline);
}

}  // namespace camvault::http

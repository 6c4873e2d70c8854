// What is read, and its refused neighbours. RFC 9112
#include "camvault/http/message.h"

#include <gtest/gtest.h>

namespace camvault::http {
namespace {
using namespace std::chrono_literals;

// Hands out `step` bytes at a time and remembers what is written.
class TextStream final : public net::Stream {
 public:
  explicit TextStream(std::string text, std::size_t step = 1 << 20) : text_(std::move(text)), step_(step) {}
  Result<std::size_t> read(std::span<std::uint8_t> into, net::Deadline) override {
    const auto count = std::min({into.size(), step_, text_.size() - position_});
    std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(position_), count, into.begin());
    position_ += count;
    return count;
  }
  Status write(BytesView bytes, net::Deadline) override {
    written += as_text(bytes);
    return ok();
  }
  std::string written;

 private:
  std::string text_;
  std::size_t step_;
  std::size_t position_ = 0;
};

Result<Request> request(const std::string& text, std::size_t step = 1 << 20, const Limits& limits = {}) {
  TextStream stream(text, step);
  return Reader(stream).request(limits, net::within(1s));
}
Result<Response> response(const std::string& text, const Limits& limits = {}) {
  TextStream stream(text);
  return Reader(stream).response(limits, net::within(1s));
}

TEST(Requests, AreReadWhateverThePiecesAre) {
  const std::string text =
      "POST /.well-known/est/simpleenroll?a=b HTTP/1.1\r\nHost: fleet\r\nContent-Type: application/pkcs10\r\n"
      "Content-Length: 4\r\n\r\nabcd";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const auto read = request(text, step);
    ASSERT_TRUE(read) << step << ": " << read.error().what;
    EXPECT_EQ(read->method, "POST");
    EXPECT_EQ(read->path(), "/.well-known/est/simpleenroll");
    EXPECT_EQ(read->query(), "a=b");
    EXPECT_EQ(read->headers.get("host"), "fleet");
    EXPECT_EQ(as_text(read->body), "abcd");
    EXPECT_TRUE(read->keeps_alive());
  }
}

TEST(Requests, FollowEachOther) {
  TextStream stream(
      "GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: r\r\n\r\nGET /c HTTP/1.0\r\n\r\n",
      7);
  Reader reader(stream);
  EXPECT_EQ(reader.request({}, net::within(1s)).value().target, "/a");
  EXPECT_EQ(as_text(reader.request({}, net::within(1s)).value().body), "abcde");
  const auto last = reader.request({}, net::within(1s)).value();
  EXPECT_EQ(last.target, "/c");
  EXPECT_FALSE(last.keeps_alive());
  EXPECT_EQ(reader.request({}, net::within(1s)).error().code, Errc::not_found);
}

TEST(Requests, WhatIsNoneIsRefused) {
  for (const auto* text :
       {"GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n",
        "GET a HTTP/1.1\r\n\r\n", "GET http://x/ HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "GET / HT"}) {
    const auto read = request(text);
    EXPECT_FALSE(read) << text;
    if (read) continue;
    EXPECT_TRUE(read.error().code == Errc::malformed || read.error().code == Errc::limit) << text;
  }
}

TEST(Requests, LimitsHold) {
  EXPECT_EQ(request("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n").error().code, Errc::limit);
  EXPECT_EQ(request(std::string(20'000, 'a')).error().code, Errc::limit);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 65; ++i) many += "A: b\r\n";
  EXPECT_EQ(request(many + "\r\n").error().code, Errc::limit);
  EXPECT_EQ(request("POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n").error().code, Errc::limit);
  EXPECT_EQ(request("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n").error().code,
            Errc::malformed);
  EXPECT_EQ(request("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n").error().code,
            Errc::limit);
  EXPECT_TRUE(request("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", 100, {16 * 1024, 64, 2}));
  EXPECT_EQ(request("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 100, {16 * 1024, 64, 2}).error().code,
            Errc::limit);
}

TEST(Responses, AreRead) {
  const auto early = response(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nRetry-After: 10\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(early) << early.error().what;
  EXPECT_EQ(early->status, 202);
  EXPECT_EQ(early->headers.get("retry-after"), "10");
  EXPECT_EQ(retry_after(*early), std::chrono::seconds(10));
  for (const auto& [text, seconds] : {std::pair<const char*, int>{"0", 0},
                                      {"99999999", 24 * 3600},
                                      {"", -1},
                                      {"-1", -1},
                                      {"10 ", 10},
                                      {"1x", -1},
                                      {"99999999999999999999", -1},
                                      {"Fri, 31 Dec 2026 23:59:59 GMT", -1}}) {
    const auto wait =
        retry_after(response(std::string("HTTP/1.1 503 Later\r\nRetry-After: ") + text + "\r\n\r\n").value());
    EXPECT_EQ(wait ? wait->count() : -1, seconds) << text;
  }
  EXPECT_EQ(as_text(response("HTTP/1.0 200 OK\r\n\r\nuntil the end").value().body), "until the end");
  EXPECT_TRUE(response("HTTP/1.1 204 No Content\r\n\r\n").value().body.empty());
  EXPECT_EQ(response("HTTP/1.1 200\r\n\r\n").value().status, 200);
  for (const auto* text : {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n",
                           "ICY 200 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n"})
    EXPECT_FALSE(response(text)) << text;
  std::string endless;
  for (int i = 0; i < 10; ++i) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(response(endless).error().code, Errc::limit);
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\n\r\n" + std::string(70'000, 'x')).error().code, Errc::limit);
}

TEST(Writing, ReadsBackAndCannotBeSplit) {
  Request out;
  out.method = "POST";
  out.target = "/x";
  out.headers.add("Content-Type", "text/plain");
  out.body = to_bytes(as_bytes("hello"));
  TextStream stream("");
  ASSERT_TRUE(write_request(stream, out, net::within(1s)));
  const auto back = request(stream.written);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->body, out.body);
  out.headers.add("X", "a\r\nInjected: b");
  EXPECT_EQ(write_request(stream, out, net::within(1s)).error().code, Errc::usage);
  EXPECT_EQ(media_type("Application/PKCS7-mime; smime-type=certs-only"), "application/pkcs7-mime");
}

TEST(Urls, AreTakenApart) {
  const auto url = parse_url("https://[2001:db8::1]:8443/a?b=c").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "2001:db8::1");
  EXPECT_EQ(url.port, "8443");
  EXPECT_EQ(url.target, "/a?b=c");
  EXPECT_EQ(url.authority(), "[2001:db8::1]:8443");
  EXPECT_EQ(parse_url("http://fleet").value().target, "/");
  EXPECT_EQ(parse_url("https://fleet?x").value().target, "/?x");
  for (const auto* bad : {"https://", "https://:1/", "https://a:0/", "https://a:65536/", "https://a b/",
                          "https://a@b/", "https://[::1", "https://[::1]x/", "ftp://a/"})
    EXPECT_FALSE(parse_url(bad)) << bad;
}

}  // namespace
}  // namespace camvault::http

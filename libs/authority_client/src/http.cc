#include "camvault/authority_client/http.h"

#include <algorithm>

#include "camvault/base/file.h"
#include "camvault/base/pem.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/http/message.h"
#include "camvault/tls/context.h"

namespace camvault::authority_client {

namespace {
// The authorities of the system, as Debian's ca-certificates and most others lay them down.
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr std::size_t kMaxAuthorities = 4 * 1024 * 1024;  // bytes
constexpr std::size_t kMaxAnchors = 1024;

// X.690 8.1.3: a tag, a length, exactly so many bytes. What is inside is for the caller's parser.
bool is_one_element(BytesView der) {
  if (der.size() < 2) return false;
  std::size_t size = der[1];
  std::size_t head = 2;
  if (size >= 0x80) {
    const std::size_t digits = size & 0x7f;
    head += digits;
    if (digits == 0 || digits > 4 || der.size() < head) return false;
    size = 0;
    for (std::size_t i = 2; i < head; ++i) size = size << 8 | der[i];
  }
  return der.size() - head == size;
}

// Those that we can read; others (unusual keys) vouch for nobody. A list that we cannot read is another
// matter: it may be about whom we speak to.
Result<tls::Policy> authorities_in(const crypto::Engine& engine, const std::filesystem::path& file) {
  CAM_TRY(const auto pem, read_file(file, kMaxAuthorities));
  CAM_TRY(const auto blocks, read_pem(as_text(pem), "CERTIFICATE", kMaxAnchors));
  CAM_TRY(const auto lists, read_pem(as_text(pem), "X509 CRL", kMaxAnchors));
  tls::Policy out;
  for (const auto& der : blocks) {
    auto certificate = engine.certificate_from_der(der);
    if (certificate) out.anchors.push_back(std::move(*certificate));
  }
  for (const auto& der : lists) {
    auto list = engine.crl_from_pem_or_der(der);
    if (!list) return fail_in(file.string(), list.error());
    out.crls.push_back(std::move(*list));
  }
  return out;
}

Result<std::unique_ptr<net::Stream>> secured(const Server& server, const http::Url& url,
                                             net::Deadline deadline) {
  static const auto kEngine = crypto_openssl::make_openssl_engine();
  static const SystemClock kClock;
  const bool of_system = server.ca_file.empty();
  const auto policy = authorities_in(*kEngine, of_system ? kSystemAuthorities : server.ca_file);
  if (of_system && (!policy || policy->anchors.empty()))
    return fail(Errc::unavailable, std::string("the system has no authorities in ") + kSystemAuthorities);
  if (!policy) return fail(Errc::malformed, policy.error().what);
  if (policy->anchors.empty())
    return fail(Errc::malformed, server.ca_file.string() + " holds no certificate in PEM");
  CAM_TRY(const auto context, tls::Context::client({kEngine.get(), &kClock}, *policy));
  CAM_TRY(auto connection, context.connect(url.host, url.port, deadline));
  return std::unique_ptr<net::Stream>(std::move(connection));
}

Result<std::unique_ptr<net::Stream>> open_stream(const Server& server, const http::Url& url,
                                                 net::Deadline deadline) {
  if (url.tls) return secured(server, url, deadline);
  auto socket = net::connect_tcp(url.host, url.port, deadline);
  if (!socket) return fail_in(url.host, socket.error());
  return std::unique_ptr<net::Stream>(std::make_unique<net::TcpStream>(std::move(*socket)));
}
}  // namespace

Status check_url(const std::string& url) {
  CAM_TRY_STATUS(http::parse_url(url));
  return ok();
}

Result<Bytes> ask(const Server& server, const Question& question) {
  CAM_TRY(const auto url, http::parse_url(server.url));
  // Whatever is wrong with server or answer, the caller can do one thing: ask again later, or another one.
  const auto away = [&](const std::string& why) { return fail(Errc::unavailable, url.host + ": " + why); };
  const auto deadline = net::within(server.timeout);
  auto stream = open_stream(server, url, deadline);
  if (!stream && stream.error().code == Errc::invalid) return fail(Errc::unavailable, stream.error().what);
  if (!stream) return tl::unexpected(stream.error());
  http::Request request;
  request.method = "POST";
  request.target = url.target;
  request.headers.add("Host", url.authority());
  request.headers.add("Content-Type", question.content_type);
  request.headers.add("Accept", question.expected_type);
  request.headers.add("Connection", "close");
  request.body = to_bytes(question.body);
  http::Limits limits;
  limits.body = question.max_answer;
  const auto sent = http::write_request(**stream, request, deadline);
  if (!sent) return away(sent.error().what);
  auto answer = http::Reader(**stream).response(limits, deadline);
  if (!answer) return away(answer.error().what);
  if (answer->status != 200) return away("it answers with status " + std::to_string(answer->status));
  if (http::media_type(answer->headers.get("Content-Type")) != question.expected_type)
    return away("an answer of another kind");
  if (!is_one_element(answer->body)) return away("an answer that is no DER element");
  return std::move(answer->body);
}

}  // namespace camvault::authority_client

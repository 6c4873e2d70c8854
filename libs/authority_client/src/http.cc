#include "camvault/authority_client/http.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "camvault/base/file.h"
#include "camvault/base/owned.h"

namespace camvault::authority_client {

namespace {
constexpr std::size_t kMaxUrl = 2048;

inline void free_memory(void* data) {
  OPENSSL_free(data);
}
using Text = Owned<char, free_memory>;
using Bio = Owned<BIO, BIO_free_all>;
using TlsContext = Owned<SSL_CTX, SSL_CTX_free>;

struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string path;  // with the query
};

Result<Url> parse(const std::string& url) {
  const auto bad = [](const char* why) {
    return fail(Errc::usage, std::string("not a URL that can be asked: ") + why);
  };
  if (url.size() > kMaxUrl) return bad("longer than 2048 bytes");
  for (const char c : url) {
    if (c <= ' ' || c > '~') return bad("spaces, control characters or letters outside ASCII");
  }
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return bad("http:// or https:// is wanted");
  int tls = 0;
  int port_number = 0;
  char* user = nullptr;
  char* host = nullptr;
  char* port = nullptr;
  char* path = nullptr;
  char* query = nullptr;
  char* fragment = nullptr;
  const int good =
      OSSL_HTTP_parse_url(url.c_str(), &tls, &user, &host, &port, &port_number, &path, &query, &fragment);
  const Text owners[] = {Text(user), Text(host), Text(port), Text(path), Text(query), Text(fragment)};
  ERR_clear_error();
  if (good != 1) return bad("host, port or path");
  if (user != nullptr && *user != '\0') return bad("a name or password in it could be read by others");
  if (fragment != nullptr && *fragment != '\0') return bad("a fragment");
  Url out;
  out.tls = tls != 0;
  out.host = host;
  out.port = port;
  out.path = path;
  if (query != nullptr && *query != '\0') out.path += std::string("?") + query;
  if (out.host.empty()) return bad("no host");
  return out;
}

bool is_ip_address(const std::string& host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str());
  const bool is = address != nullptr;
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return is;
}

Result<TlsContext> tls_context(const Server& server, const Url& url) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail(Errc::internal, "out of memory");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_AUTO_RETRY);
  auto* param = SSL_CTX_get0_param(context.get());
  const bool named = is_ip_address(url.host)
                         ? X509_VERIFY_PARAM_set1_ip_asc(param, url.host.c_str()) == 1
                         : X509_VERIFY_PARAM_set1_host(param, url.host.c_str(), url.host.size()) == 1;
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (!named || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1)
    return fail(Errc::internal, "TLS settings");
  const bool loaded = server.ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                          : SSL_CTX_load_verify_file(context.get(), server.ca_file.c_str()) == 1;
  ERR_clear_error();
  if (!loaded) return fail(Errc::malformed, server.ca_file.string() + " holds no certificate in PEM");
  return context;
}

using SteadyClock = std::chrono::steady_clock;

tl::unexpected<Error> away(const Url& url, std::string why) {
  return fail(Errc::unavailable, url.host + ": " + std::move(why));
}

// Waits until something can be done with the socket. False at the deadline.
bool wait_for(int fd, short events, SteadyClock::time_point deadline) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    if (left <= 0) return false;
    pollfd poll{fd, events, 0};
    const int ready = ::poll(&poll, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// OpenSSL's own connect tries a refused connection again until its time is over; a camera has better things
// to wait for.
Result<UniqueFd> connect_to(const Url& url, SteadyClock::time_point deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  auto host = url.host;
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);  // RFC 3986 3.2.2
  if (::getaddrinfo(host.c_str(), url.port.c_str(), &hints, &list) != 0)
    return away(url, "the name is not known");
  const Owned<addrinfo, freeaddrinfo> owner(list);
  std::string why = "no address";
  for (const auto* at = list; at != nullptr; at = at->ai_next) {
    UniqueFd fd(::socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol));
    if (!fd.valid()) continue;
    int error = 0;
    if (::connect(fd.get(), at->ai_addr, at->ai_addrlen) != 0) {
      error = errno;
      if (error == EINPROGRESS) {
        socklen_t size = sizeof error;
        if (!wait_for(fd.get(), POLLOUT, deadline)) {
          why = "no answer within the time";
          continue;
        }
        ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    if (error == 0) return fd;
    why = errno_text(error);
  }
  return away(url, why);
}

// OpenSSL's words for its last error; they are constants and hold nothing of the server's.
std::string last_error() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no answer" : reason;
}

// TLS over the connection, its handshake done.
Result<Bio> with_tls(Bio connection, SSL_CTX* context, const Url& url, int fd,
                     SteadyClock::time_point deadline) {
  Bio filter(BIO_new_ssl(context, 1));
  SSL* ssl = nullptr;
  if (!filter || BIO_get_ssl(filter.get(), &ssl) != 1) return fail(Errc::internal, "out of memory");
  if (!is_ip_address(url.host)) {
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(url.host.c_str()));
  }
  Bio chain(BIO_push(filter.release(), connection.release()));
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl);
    if (done == 1) return chain;
    const int error = SSL_get_error(ssl, done);
    const bool waits = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    if (!waits) return away(url, last_error());
    if (!wait_for(fd, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
      return away(url, "no answer within the time");
  }
}
}  // namespace

Status check_url(const std::string& url) {
  CAM_TRY_STATUS(parse(url));
  return ok();
}

Result<Bytes> ask(const Server& server, const Question& question) {
  CAM_TRY(const auto url, parse(server.url));
  const auto deadline = SteadyClock::now() + server.timeout;
  TlsContext context;
  if (url.tls) {
    CAM_TRY(context, tls_context(server, url));
  }
  CAM_TRY(const auto socket, connect_to(url, deadline));
  Bio connection(BIO_new_socket(socket.get(), BIO_NOCLOSE));
  if (connection && context) {
    CAM_TRY(connection, with_tls(std::move(connection), context.get(), url, socket.get(), deadline));
  }
  const Bio body(BIO_new_mem_buf(question.body.data(), static_cast<int>(question.body.size())));
  if (!body || !connection) return fail(Errc::internal, "out of memory");
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(deadline - SteadyClock::now()).count();
  ERR_clear_error();
  // keep_alive 0: one connection, one question.
  const Bio answer(OSSL_HTTP_transfer(nullptr, url.host.c_str(), url.port.c_str(), url.path.c_str(), 0,
                                      nullptr, nullptr, connection.get(), connection.get(), nullptr, nullptr,
                                      0, nullptr, question.content_type.c_str(), body.get(),
                                      question.expected_type.c_str(), 1, question.max_answer,
                                      static_cast<int>(std::max<std::int64_t>(left, 1)), 0));
  if (!answer) return away(url, last_error());
  ERR_clear_error();
  const unsigned char* data = nullptr;
  const long size = BIO_get_mem_data(answer.get(), &data);
  if (size <= 0) return away(url, "an empty answer");
  if (static_cast<std::size_t>(size) > question.max_answer) return away(url, "too long an answer");
  return Bytes(data, data + size);
}

}  // namespace camvault::authority_client

// A TLS peer that shows whatever certificate it is given and checks nothing: OpenSSL at security level 0. It
// plays the other side of our clients and servers.
#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "camvault/base/owned.h"
#include "camvault/net/tcp.h"
#include "camvault/refusals/corpus.h"

namespace camvault::refusals {

using SslContext = Owned<SSL_CTX, SSL_CTX_free>;
using SslHandle = Owned<SSL, SSL_free>;

// `identity` may be null (a client without certificate). `suites`: OpenSSL's names for TLS 1.2 and older.
inline SslContext careless_context(const SSL_METHOD* method, const Case* identity,
                                   int newest = TLS1_3_VERSION, const char* suites = "ALL:@SECLEVEL=0") {
  SslContext context(SSL_CTX_new(method));
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), newest);
  if (SSL_CTX_set_cipher_list(context.get(), suites) != 1) throw std::runtime_error("suites");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  if (identity == nullptr) return context;
  const Owned<BIO, BIO_free_all> chain(
      BIO_new_mem_buf(identity->chain_pem.data(), static_cast<int>(identity->chain_pem.size())));
  const Owned<BIO, BIO_free_all> key_pem(
      BIO_new_mem_buf(identity->key_pem.data(), static_cast<int>(identity->key_pem.size())));
  const Owned<EVP_PKEY, EVP_PKEY_free> key(PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr));
  bool leaf = true;
  for (;;) {
    const Owned<X509, X509_free> certificate(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    const auto done = leaf ? SSL_CTX_use_certificate(context.get(), certificate.get())
                           : SSL_CTX_add1_chain_cert(context.get(), certificate.get());
    if (done != 1) throw std::runtime_error("certificate");
    leaf = false;
  }
  ERR_clear_error();
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) throw std::runtime_error("key");
  return context;
}

// OpenSSL writes with write(2): to a peer that has hung up, that is the end of this process unless it looks
// away.
inline void make_blocking(int fd) {
  const timeval patience{5, 0};
  ::signal(SIGPIPE, SIG_IGN);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

// Answers each connection with `answer` after the first bytes of the request, and counts how many got that
// far.
class CarelessServer {
 public:
  explicit CarelessServer(const Case& identity,
                          std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                          int newest = TLS1_3_VERSION, const char* suites = "ALL:@SECLEVEL=0")
      : context_(careless_context(TLS_server_method(), &identity, newest, suites)),
        answer_(std::move(answer)),
        listener_(net::Listener::listen("127.0.0.1", 0).value()),
        worker_([this](const std::stop_token& stop) { work(stop); }) {}

  std::string port() const { return std::to_string(listener_.port()); }
  int requests() const { return requests_; }

 private:
  void work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      auto socket = listener_.accept(net::within(std::chrono::milliseconds(20)));
      if (!socket) continue;
      make_blocking(socket->get());
      const SslHandle ssl(SSL_new(context_.get()));
      SSL_set_fd(ssl.get(), socket->get());
      std::array<char, 4096> request{};
      if (SSL_accept(ssl.get()) == 1 && SSL_read(ssl.get(), request.data(), request.size()) > 0) {
        ++requests_;
        SSL_write(ssl.get(), answer_.data(), static_cast<int>(answer_.size()));
        SSL_shutdown(ssl.get());
      }
      ERR_clear_error();
    }
  }

  SslContext context_;
  std::string answer_;
  net::Listener listener_;
  std::atomic<int> requests_ = 0;
  std::jthread worker_;
};

// Sends `request` to our server and returns all that comes back; empty if it was refused. `identity` may be
// null.
inline std::string careless_request(std::uint16_t port, const Case* identity, const std::string& request,
                                    int newest = TLS1_3_VERSION, const char* suites = "ALL:@SECLEVEL=0") {
  const auto context = careless_context(TLS_client_method(), identity, newest, suites);
  auto socket = net::connect_tcp("127.0.0.1", std::to_string(port), net::within(std::chrono::seconds(5)));
  if (!socket) return {};
  make_blocking(socket->get());
  const SslHandle ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), socket->get());
  std::string answer;
  if (SSL_connect(ssl.get()) == 1 &&
      SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())) > 0) {
    std::array<char, 4096> piece{};
    for (int count = 0; (count = SSL_read(ssl.get(), piece.data(), piece.size())) > 0;)
      answer.append(piece.data(), static_cast<std::size_t>(count));
  }
  ERR_clear_error();
  return answer;
}

}  // namespace camvault::refusals

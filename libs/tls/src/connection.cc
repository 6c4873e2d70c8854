#include "connection.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "socket_bio.h"
#include "x509.h"

namespace camvault::tls {

namespace {
constexpr std::size_t kMaxDrained = 64 * 1024;

// OpenSSL's words for its last error: constants, nothing of the peer's.
std::string last_error() {
  const auto code = ERR_peek_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "the connection was cut off" : reason;
}

class TlsConnection final : public Connection {
 public:
  TlsConnection(std::shared_ptr<const Verifier> verifier, UniqueFd socket)
      : verifier_(std::move(verifier)), socket_(std::move(socket)) {}
  ~TlsConnection() override {
    if (alive_) SSL_shutdown(ssl_.get());  // a word of goodbye, if there is room for it
    ERR_clear_error();
  }
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  Status start(const NewConnection& wanted, net::Deadline deadline) {
    ssl_.reset(SSL_new(wanted.context));
    auto* bio = make_socket_bio(socket_.get());
    if (ssl_ == nullptr || bio == nullptr) {
      BIO_free(bio);
      return fail(Errc::internal, "out of memory");
    }
    SSL_set_bio(ssl_.get(), bio, bio);
    const auto& expected = verifier_->policy.expected_name;
    peer_.name = expected.empty() ? wanted.host : expected;
    if (peer_.name.size() > 2 && peer_.name.front() == '[')
      peer_.name = peer_.name.substr(1, peer_.name.size() - 2);
    set_slot(ssl_.get(), &peer_);
    if (wanted.accepting) {
      SSL_set_accept_state(ssl_.get());
    } else {
      SSL_set_connect_state(ssl_.get());
      if (!is_ip_address(peer_.name) && !peer_.name.empty())  // RFC 6066 3: names only
        SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, peer_.name.data());
    }
    const auto done = repeat([&] { return SSL_do_handshake(ssl_.get()); }, deadline);
    if (done) {
      alive_ = true;
      return ok();
    }
    if (!peer_.judgement.reason.empty() && !peer_.judgement.good())
      return fail(Errc::invalid, peer_.judgement.reason);
    return tl::unexpected(done.error());
  }

  Result<std::size_t> read(std::span<std::uint8_t> into, net::Deadline deadline) override {
    std::size_t count = 0;
    if (ended_) return count;
    const auto done =
        repeat([&] { return SSL_read_ex(ssl_.get(), into.data(), into.size(), &count); }, deadline);
    if (done || ended_) return count;
    return tl::unexpected(done.error());
  }

  Status write(BytesView bytes, net::Deadline deadline) override {
    if (bytes.empty()) return ok();
    std::size_t count = 0;
    return repeat([&] { return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count); }, deadline);
  }

  const std::vector<crypto::Certificate>& peer_chain() const override { return peer_.chain; }
  const std::vector<crypto::Certificate>& peer_path() const override { return peer_.judgement.path; }
  Version version() const override {
    return SSL_version(ssl_.get()) == TLS1_3_VERSION ? Version::tls1_3 : Version::tls1_2;
  }
  std::string suite() const override { return SSL_CIPHER_get_name(SSL_get_current_cipher(ssl_.get())); }

  Result<Bytes> channel_binding() const override {
    if (version() == Version::tls1_2) {
      // RFC 5929 3.1: the first Finished message, which is the client's, as nothing is ever resumed here.
      Bytes out(EVP_MAX_MD_SIZE);
      const auto size = SSL_is_server(ssl_.get()) == 1
                            ? SSL_get_peer_finished(ssl_.get(), out.data(), out.size())
                            : SSL_get_finished(ssl_.get(), out.data(), out.size());
      // RFC 7627 5.4: without the extended master secret another connection can have the same one.
      if (size == 0 || size > out.size() || SSL_get_extms_support(ssl_.get()) != 1)
        return fail(Errc::unsupported, "the connection has no binding");
      out.resize(size);
      return out;
    }
    constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";  // RFC 9266 4.2
    Bytes out(32);
    const unsigned char nothing = 0;
    if (SSL_export_keying_material(ssl_.get(), out.data(), out.size(), kLabel.data(), kLabel.size(), &nothing,
                                   0, 1) != 1) {
      ERR_clear_error();
      return fail(Errc::internal, "OpenSSL does not export");
    }
    return out;
  }

  Status judge_peer(const Policy& policy) override {
    judge_into(peer_, *verifier_, policy);
    if (!peer_.judgement.good()) return fail(Errc::invalid, peer_.judgement.reason);
    return ok();
  }

  void close(net::Deadline deadline) override {
    if (!alive_) return;
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    ::shutdown(socket_.get(), SHUT_WR);
    alive_ = false;
    std::array<std::uint8_t, 4096> rest{};
    for (std::size_t drained = 0; drained < kMaxDrained && net::wait_for(socket_.get(), POLLIN, deadline);) {
      const auto count = ::recv(socket_.get(), rest.data(), rest.size(), 0);
      if (count <= 0) return;
      drained += static_cast<std::size_t>(count);
    }
  }

 private:
  // Until OpenSSL is content, waiting for the socket as it wishes.
  template <class Step>
  Status repeat(const Step& step, net::Deadline deadline) {
    for (;;) {
      ERR_clear_error();
      const int done = step();
      if (done == 1) return ok();
      const int error = SSL_get_error(ssl_.get(), done);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        const auto events = static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
        if (!net::wait_for(socket_.get(), events, deadline))
          return fail(Errc::unavailable, "no answer within the time");
        continue;
      }
      alive_ = alive_ && error == SSL_ERROR_ZERO_RETURN;
      if (error == SSL_ERROR_ZERO_RETURN) {
        ended_ = true;
        return fail(Errc::unavailable, "the other side has ended the connection");
      }
      const bool refused = error == SSL_ERROR_SSL && ERR_peek_error() != 0 &&
                           ERR_GET_REASON(ERR_peek_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING;
      return fail(refused ? Errc::invalid : Errc::unavailable, last_error());
    }
  }

  std::shared_ptr<const Verifier> verifier_;
  UniqueFd socket_;
  PeerSlot peer_;
  SslHandle ssl_;
  bool alive_ = false;
  bool ended_ = false;
};
}  // namespace

Result<std::unique_ptr<Connection>> shake_hands(NewConnection wanted, net::Deadline deadline) {
  auto connection = std::make_unique<TlsConnection>(wanted.verifier, std::move(wanted.socket));
  CAM_TRY_STATUS(connection->start(wanted, deadline));
  return std::unique_ptr<Connection>(std::move(connection));
}

}  // namespace camvault::tls

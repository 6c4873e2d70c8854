// TLS as Camvault speaks it, to either side: 1.3, or 1.2 with ECDHE and AEAD suites; no renegotiation, no
// resumption, no compression (NC-3-5, SP-4.2.7). Certificates are judged by a Policy and by nothing else.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "camvault/keystore/tls_secrets.h"
#include "camvault/net/tcp.h"
#include "camvault/tls/credential.h"
#include "camvault/tls/policy.h"

struct ssl_ctx_st;

namespace camvault::tls {

enum class Version : std::uint8_t { tls1_2, tls1_3 };
std::string_view to_string(Version version);  // "TLS 1.2"

// `engine` and `clock` must outlive contexts and connections.
struct Environment {
  const crypto::Engine* engine = nullptr;
  const Clock* clock = nullptr;
  // Where the secrets of handshakes are: null, in this process; else in the keystore (docs/tls-secrets.md),
  // and then X25519 and P-256 are the only groups.
  std::shared_ptr<keystore::TlsSecrets> secrets = {};
};

struct Versions {
  Version oldest = Version::tls1_2;
  Version newest = Version::tls1_3;
};

// Thread-confined; outlives the context it came from.
class Connection : public net::Stream {
 public:
  // As sent, leaf first; empty: the peer showed none.
  virtual const std::vector<crypto::Certificate>& peer_chain() const = 0;
  // As judged, leaf first, anchor last; empty: the peer showed none, or nobody judged it yet (provisional).
  virtual const std::vector<crypto::Certificate>& peer_path() const = 0;
  virtual Version version() const = 0;
  virtual std::string suite() const = 0;
  // What both sides know of this very connection, and no other connection has: tls-unique (RFC 5929 3) in
  // TLS 1.2, tls-exporter (RFC 9266) in TLS 1.3.
  virtual Result<Bytes> channel_binding() const = 0;
  // Of a provisional connection: judges the peer by a policy that came later, e.g. in a voucher.
  // Errc::invalid with the reason.
  virtual Status judge_peer(const Policy& policy) = 0;
  // Says goodbye and waits for the other side's end, or the deadline, so that what was written last arrives.
  virtual void close(net::Deadline deadline) = 0;
};

// A secret that both sides have, in the keystore, of the purpose tls-psk.
struct PreSharedKey {
  std::string identity;  // what we call ourselves; 1 to 128 bytes
  keystore::KeyUse key;
};

// Of a server.
enum class ClientCertificates : std::uint8_t { none, optional, required };

// Immutable; share it between threads. What it depends on (lists, anchors, credential) never changes: make
// another one instead. Credential and policy are kept.
class Context {
 public:
  static Result<Context> client(const Environment& environment, const Policy& servers,
                                std::shared_ptr<const Credential> ours = nullptr, Versions versions = {});
  // RFC 8995 5.1: whoever the server is, the handshake ends well; nothing it says may be believed before
  // Connection::judge_peer. For bootstrapping and nothing else.
  static Result<Context> provisional_client(const Environment& environment,
                                            std::shared_ptr<const Credential> ours, Versions versions = {});
  // TLS-PSK with ECDHE (RFC 5489, RFC 7905, RFC 8446 2.2; NC-1-2): the server proves that it has the secret,
  // and no certificate is taken for that. Needs environment.secrets.
  static Result<Context> psk_client(const Environment& environment, PreSharedKey ours,
                                    Versions versions = {});
  // `clients` is looked at unless `wanted` is none.
  static Result<Context> server(const Environment& environment, std::shared_ptr<const Credential> ours,
                                ClientCertificates wanted, const Policy& clients, Versions versions = {});
  ~Context();
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;

  // Connects and shakes hands. Errc::unavailable: away or slow; Errc::invalid: one of us does not like the
  // other, with the reason.
  Result<std::unique_ptr<Connection>> connect(const std::string& host, const std::string& port,
                                              net::Deadline deadline) const;
  // The same over a connected, non-blocking socket; `host` is whom we mean to speak to.
  Result<std::unique_ptr<Connection>> connect_over(UniqueFd socket, const std::string& host,
                                                   net::Deadline deadline) const;
  Result<std::unique_ptr<Connection>> accept(UniqueFd socket, net::Deadline deadline) const;

  // For libraries that make connections of their own (SSL_CTX). They need a policy with an expected_name:
  // without one the handshake fails. Valid as long as this object.
  ssl_ctx_st* native_handle() const;
  // What the policy had against the last peer that it was asked about, for those who make connections with
  // native_handle and hear no reason from their library; empty: nothing. Any thread.
  std::string last_refusal() const;

 private:
  struct State;
  explicit Context(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace camvault::tls

// A server and a client of ours at both ends of one connection.
#pragma once

#include <future>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/refusals/corpus.h"
#include "camvault/tls/context.h"

namespace camvault::tls::test {

using namespace std::chrono_literals;

class FixedClock final : public Clock {
 public:
  explicit FixedClock(Timestamp now) : now_(now) {}
  Timestamp now() const override { return now_; }

 private:
  Timestamp now_;
};

inline const auto& engine() {
  static const auto kEngine = crypto_openssl::make_openssl_engine();
  return *kEngine;
}

inline std::shared_ptr<const Credential> credential_of(const refusals::Case& identity) {
  auto chain = engine().certificates_from_pem(identity.chain_pem).value();
  return Credential::create(std::move(chain), crypto_openssl::LocalKey::from_pem(identity.key_pem).value())
      .value();
}

// The three corpora's authorities are made once: servers, clients.
struct World {
  SystemClock clock;
  Environment environment{&engine(), &clock};
  refusals::Corpus servers{{true, "localhost", {}, clock.now()}};
  refusals::Corpus clients{{false, {}, "CAM-000001", clock.now()}};

  Policy trust_servers() const {
    Policy policy;
    policy.anchors = servers.anchors();
    policy.crls = servers.lists();
    return policy;
  }
  Policy trust_clients() const {
    Policy policy;
    policy.anchors = clients.anchors();
    policy.crls = clients.lists();
    return policy;
  }
};
inline const World& world() {
  static const World kWorld;
  return kWorld;
}

struct Ends {
  Result<std::unique_ptr<Connection>> client = fail(Errc::internal, "none");
  Result<std::unique_ptr<Connection>> server = fail(Errc::internal, "none");
};

inline Ends connect(const Context& client, const Context& server, const std::string& host = "localhost") {
  auto listener = net::Listener::listen("127.0.0.1", 0).value();
  auto socket = net::connect_tcp("127.0.0.1", std::to_string(listener.port()), net::within(2s)).value();
  auto accepted = std::async(std::launch::async, [&] {
    return server.accept(listener.accept(net::within(2s)).value(), net::within(5s));
  });
  Ends out;
  out.client = client.connect_over(std::move(socket), host, net::within(5s));
  out.server = accepted.get();
  return out;
}

}  // namespace camvault::tls::test

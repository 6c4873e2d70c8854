// Our client and our server: versions, keys, identities, channel bindings, and connections that should not
// be. NC-1-1, NC-3-5, SP-4.2.7
#include "camvault/tls/context.h"

#include <gtest/gtest.h>

#include <array>

#include "loopback.h"

namespace camvault::tls::test {
namespace {

Context server_of(const refusals::Case& identity, ClientCertificates wanted = ClientCertificates::required,
                  Versions versions = {}) {
  return Context::server(world().environment, credential_of(identity), wanted, world().trust_clients(),
                         versions)
      .value();
}
Context client_of(const refusals::Case* identity, Versions versions = {}) {
  return Context::client(world().environment, world().trust_servers(),
                         identity == nullptr ? nullptr : credential_of(*identity), versions)
      .value();
}

TEST(Tls, BothSidesKnowEachOtherInBothVersionsWithEveryKey) {
  for (const auto version : {Version::tls1_2, Version::tls1_3}) {
    for (const auto alg : {crypto::KeyAlg::ec_p256, crypto::KeyAlg::ec_p384, crypto::KeyAlg::rsa_2048,
                           crypto::KeyAlg::ed25519}) {
      SCOPED_TRACE(std::string(to_string(version)) + " " + std::string(to_string(alg)));
      const auto server_identity = world().servers.good_of(alg);
      const auto client_identity = world().clients.good_of(alg);
      const auto ends = connect(client_of(&client_identity, {version, version}), server_of(server_identity));
      ASSERT_TRUE(ends.client) << ends.client.error().what;
      ASSERT_TRUE(ends.server) << ends.server.error().what;
      auto& client = **ends.client;
      auto& server = **ends.server;
      EXPECT_EQ(client.version(), version);
      EXPECT_EQ(server.peer_path().front().device_serial, "CAM-000001");
      EXPECT_EQ(client.peer_path().size(), 3u);
      EXPECT_EQ(client.peer_path().front().common_name, "localhost");
      std::array<std::uint8_t, 64> room{};
      ASSERT_TRUE(client.write(as_bytes("from the camera"), net::within(1s)));
      EXPECT_EQ(server.read(room, net::within(1s)).value(), 15u);
      ASSERT_TRUE(server.write(as_bytes("to it"), net::within(1s)));
      EXPECT_EQ(client.read(room, net::within(1s)).value(), 5u);
      // RFC 5929 3, RFC 9266: the same on both sides.
      const auto binding = client.channel_binding();
      ASSERT_TRUE(binding) << binding.error().what;
      EXPECT_EQ(*binding, server.channel_binding().value());
      EXPECT_EQ(binding->size(), version == Version::tls1_2 ? 12u : 32u);
    }
  }
}

TEST(Tls, NoOtherConnectionHasTheSameBinding) {
  const auto server = server_of(world().servers.good());
  const auto client = client_of(&world().clients.good());
  const auto a = connect(client, server);
  const auto b = connect(client, server);
  ASSERT_TRUE(a.client && b.client);
  EXPECT_NE((*a.client)->channel_binding().value(), (*b.client)->channel_binding().value());
}

TEST(Tls, EndsAreTold) {
  const auto ends = connect(client_of(&world().clients.good()), server_of(world().servers.good()));
  ASSERT_TRUE(ends.client && ends.server);
  std::array<std::uint8_t, 64> room{};
  EXPECT_EQ((*ends.server)->read(room, net::within(20ms)).error().code, Errc::unavailable);  // nothing yet
  ASSERT_TRUE((*ends.client)->write(as_bytes("last"), net::within(1s)));
  (*ends.client)->close(net::within(50ms));
  EXPECT_EQ((*ends.server)->read(room, net::within(1s)).value(), 4u);
  EXPECT_EQ((*ends.server)->read(room, net::within(1s)).value(), 0u);
}

TEST(Tls, ACutIsNoEnd) {
  auto listener = net::Listener::listen("127.0.0.1", 0).value();
  auto client = net::connect_tcp("127.0.0.1", std::to_string(listener.port()), net::within(1s)).value();
  auto accepted = listener.accept(net::within(1s)).value();
  client.reset();
  const auto server = server_of(world().servers.good());
  EXPECT_EQ(server.accept(std::move(accepted), net::within(1s)).error().code, Errc::unavailable);
}

TEST(Tls, ClientsWithoutCertificateAreTheServersChoice) {
  for (const auto version : {Version::tls1_2, Version::tls1_3}) {
    const auto anonymous = client_of(nullptr, {version, version});
    auto ends = connect(anonymous, server_of(world().servers.good(), ClientCertificates::optional));
    ASSERT_TRUE(ends.server) << ends.server.error().what;
    EXPECT_TRUE((*ends.server)->peer_path().empty());
    EXPECT_TRUE((*ends.server)->peer_chain().empty());
    ends = connect(anonymous, server_of(world().servers.good(), ClientCertificates::required));
    EXPECT_FALSE(ends.server);
  }
}

TEST(Tls, WithoutPolicyNoConnection) {
  EXPECT_EQ(Context::client(world().environment, Policy{}).error().code, Errc::denied);
  EXPECT_EQ(Context::server(world().environment, credential_of(world().servers.good()),
                            ClientCertificates::required, Policy{})
                .error()
                .code,
            Errc::denied);
  EXPECT_EQ(Context::server(world().environment, nullptr, ClientCertificates::none, {}).error().code,
            Errc::usage);
  EXPECT_EQ(Context::client({}, world().trust_servers()).error().code, Errc::usage);
}

TEST(Tls, RevocationCanBeWanted) {
  auto policy = world().trust_servers();
  policy.revocation_required = true;
  const auto server = server_of(world().servers.good(), ClientCertificates::none);
  const auto with_lists = Context::client(world().environment, policy).value();
  EXPECT_TRUE(connect(with_lists, server).client);
  policy.crls.clear();
  const auto without = Context::client(world().environment, policy).value();
  EXPECT_EQ(connect(without, server).client.error().code, Errc::invalid);
}

// NC: clock at 1970, no RTC.
TEST(Tls, AClockThatIsSurelyWrongIsNotBelieved) {
  const FixedClock wrong(from_unix_seconds(0));
  const Environment environment{&engine(), &wrong};
  const auto server = server_of(world().servers.good(), ClientCertificates::none);
  auto policy = world().trust_servers();
  EXPECT_EQ(connect(Context::client(environment, policy).value(), server).client.error().code, Errc::invalid);
  policy.not_earlier_than = world().clock.now() - std::chrono::hours(24 * 30);  // when the camera was made
  const auto with_floor = connect(Context::client(environment, policy).value(), server);
  EXPECT_TRUE(with_floor.client) << with_floor.client.error().what;
  // An end before that day is still an end.
  policy.not_earlier_than = world().clock.now() + std::chrono::hours(24 * 3650);
  EXPECT_EQ(connect(Context::client(environment, policy).value(), server).client.error().code, Errc::invalid);
}

// RFC 8995 5.1: believed only after the voucher.
TEST(Tls, ProvisionalConnectionsAreJudgedLater) {
  const auto client =
      Context::provisional_client(world().environment, credential_of(world().clients.good())).value();
  const auto ends = connect(client, server_of(world().servers.good()));
  ASSERT_TRUE(ends.client) << ends.client.error().what;
  EXPECT_TRUE((*ends.client)->peer_path().empty());
  EXPECT_FALSE((*ends.client)->peer_chain().empty());
  EXPECT_EQ((*ends.client)->judge_peer(world().trust_clients()).error().code, Errc::invalid);
  EXPECT_TRUE((*ends.client)->judge_peer(world().trust_servers()));
  EXPECT_EQ((*ends.client)->peer_path().front().common_name, "localhost");
}

TEST(Tls, ACredentialIsACertificateAndItsKey) {
  auto chain = engine().certificates_from_pem(world().servers.good().chain_pem).value();
  const std::shared_ptr<crypto::SigningKey> other =
      crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256).value();
  EXPECT_EQ(Credential::create(chain, other).error().code, Errc::usage);
  EXPECT_EQ(Credential::create({}, other).error().code, Errc::usage);
}

TEST(Tls, ASilentPeerCostsItsDeadline) {
  auto listener = net::Listener::listen("127.0.0.1", 0).value();
  const auto begin = std::chrono::steady_clock::now();
  const auto refused =
      client_of(nullptr).connect("127.0.0.1", std::to_string(listener.port()), net::within(100ms));
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
}

}  // namespace
}  // namespace camvault::tls::test

// The refusal corpus against our client and our server, whose other side shows anything and checks nothing.
// NC-2-1, SP-4.2.7, SP-A.3.2
#include <gtest/gtest.h>

#include "camvault/refusals/careless_peer.h"
#include "loopback.h"

namespace camvault::tls::test {
namespace {

TEST(Refusals, OurClientTakesTheGoodServerAlone) {
  const auto client = Context::client(world().environment, world().trust_servers()).value();
  {
    const refusals::CarelessServer server(world().servers.good());
    const auto made = client.connect("localhost", server.port(), net::within(5s));
    EXPECT_TRUE(made) << made.error().what;
  }
  {
    const refusals::CarelessServer server(world().servers.good());
    EXPECT_TRUE(client.connect("127.0.0.1", server.port(), net::within(5s)));
  }
  int refused = 0;
  for (const auto& bad : world().servers.bad()) {
    SCOPED_TRACE(bad.name);
    const refusals::CarelessServer server(bad);
    const auto made = client.connect("localhost", server.port(), net::within(5s));
    EXPECT_FALSE(made);
    if (made) continue;
    EXPECT_EQ(made.error().code, Errc::invalid);
    EXPECT_EQ(server.requests(), 0);
    ++refused;
    std::printf("  %-26s %s\n", bad.name.c_str(), made.error().what.c_str());
  }
  EXPECT_EQ(refused, 12);
}

TEST(Refusals, OurServerTakesTheGoodClientAlone) {
  const auto server = Context::server(world().environment, credential_of(world().servers.good()),
                                      ClientCertificates::required, world().trust_clients())
                          .value();
  auto listener = net::Listener::listen("127.0.0.1", 0).value();
  const auto serve = [&](const refusals::Case* identity) {
    auto asked = std::async(std::launch::async,
                            [&] { return refusals::careless_request(listener.port(), identity, "hello"); });
    auto made = server.accept(listener.accept(net::within(5s)).value(), net::within(5s));
    if (made) {
      EXPECT_TRUE((*made)->write(as_bytes("ok"), net::within(1s)));
      (*made)->close(net::within(100ms));
    }
    const auto answer = asked.get();
    EXPECT_EQ(answer, made ? "ok" : "");
    return made;
  };
  ASSERT_TRUE(serve(&world().clients.good()));
  EXPECT_FALSE(serve(nullptr));
  for (const auto& bad : world().clients.bad()) {
    SCOPED_TRACE(bad.name);
    const auto made = serve(&bad);
    if (bad.by_name) {  // a good certificate of another device: the application's list refuses it
      ASSERT_TRUE(made) << made.error().what;
      EXPECT_NE((*made)->peer_path().front().device_serial, "CAM-000001");
      continue;
    }
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::invalid);
    std::printf("  %-26s %s\n", bad.name.c_str(), made.error().what.c_str());
  }
}

TEST(Refusals, OldVersionsAndWeakSuitesFindNobody) {
  const auto client = Context::client(world().environment, world().trust_servers()).value();
  const auto server =
      Context::server(world().environment, credential_of(world().servers.good_of(crypto::KeyAlg::rsa_2048)),
                      ClientCertificates::none, {})
          .value();
  const auto good = world().servers.good_of(crypto::KeyAlg::rsa_2048);
  struct {
    int newest;
    const char* suites;
  } const kPeers[] = {{TLS1_VERSION, "ALL:@SECLEVEL=0"},
                      {TLS1_1_VERSION, "ALL:@SECLEVEL=0"},
                      {TLS1_2_VERSION, "AES128-GCM-SHA256:@SECLEVEL=0"},          // static RSA
                      {TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"},  // finite field
                      {TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"},       // CBC
                      {TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384:@SECLEVEL=0"},
                      {TLS1_2_VERSION, "ECDHE-RSA-NULL-SHA:@SECLEVEL=0"}};
  for (const auto& peer : kPeers) {
    SCOPED_TRACE(peer.suites);
    const refusals::CarelessServer other(good, "ok", peer.newest, peer.suites);
    EXPECT_FALSE(client.connect("localhost", other.port(), net::within(5s)));
    auto listener = net::Listener::listen("127.0.0.1", 0).value();
    auto asked = std::async(std::launch::async, [&] {
      return refusals::careless_request(listener.port(), nullptr, "hello", peer.newest, peer.suites);
    });
    EXPECT_FALSE(server.accept(listener.accept(net::within(5s)).value(), net::within(5s)));
    EXPECT_EQ(asked.get(), "");
  }
  // The neighbour that is accepted.
  const refusals::CarelessServer modern(good, "ok", TLS1_2_VERSION,
                                        "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0");
  EXPECT_TRUE(client.connect("localhost", modern.port(), net::within(5s)));
}

}  // namespace
}  // namespace camvault::tls::test

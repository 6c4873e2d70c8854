// curl and openssl s_client look at our server; our client goes to openssl s_server. NC-1-1, AX-2.2-2
#include <gtest/gtest.h>

#include "camvault/test_support/background_program.h"
#include "loopback.h"

namespace camvault::tls::test {
namespace {

class ForeignPeers : public testing::Test {
 protected:
  ForeignPeers() {
    folder_.write("server-root.pem", world().servers.anchors_pem());
    folder_.write("client-root.pem", world().clients.anchors_pem());
    folder_.write("client.pem", world().clients.good().chain_pem);
    folder_.write("client.key", world().clients.good().key_pem);
    folder_.write("server.pem", world().servers.good().chain_pem);
    folder_.write("server.key", world().servers.good().key_pem);
  }
  std::string at(const char* name) const { return (folder_ / name).string(); }

  test_support::TemporaryFolder folder_;
};

TEST_F(ForeignPeers, CurlKnowsOurServerByTheRootAloneAndIsKnown) {
  if (!test_support::has_program("curl")) GTEST_SKIP() << "curl is not installed";
  const auto server = Context::server(world().environment, credential_of(world().servers.good()),
                                      ClientCertificates::required, world().trust_clients())
                          .value();
  auto listener = net::Listener::listen("127.0.0.1", 0).value();
  for (const char* version : {"1.2", "1.3"}) {
    auto curl = std::async(std::launch::async, [&] {
      return test_support::run_program({"curl", "-sS", "--noproxy", "*", "--tls-max", version, "--cacert",
                                        at("server-root.pem"), "--cert", at("client.pem"), "--key",
                                        at("client.key"),
                                        "https://localhost:" + std::to_string(listener.port()) + "/"});
    });
    auto made = server.accept(listener.accept(net::within(5s)).value(), net::within(5s));
    ASSERT_TRUE(made) << made.error().what;
    EXPECT_EQ((*made)->version() == Version::tls1_2 ? "1.2" : "1.3", std::string(version));
    std::array<std::uint8_t, 4096> request{};
    ASSERT_TRUE((*made)->read(request, net::within(2s)));
    ASSERT_TRUE(
        (*made)->write(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ncamera"), net::within(1s)));
    (*made)->close(net::within(500ms));
    const auto done = curl.get();
    EXPECT_EQ(done.exit_code, 0);
    EXPECT_EQ(done.output, "camera");
  }
}

TEST_F(ForeignPeers, OurClientGoesToOpensslsServer) {
  const auto port = std::to_string(net::Listener::listen("127.0.0.1", 0).value().port());
  const test_support::BackgroundProgram server(
      {"openssl", "s_server", "-accept", "127.0.0.1:" + port, "-cert", at("server.pem"), "-cert_chain",
       at("server.pem"), "-key", at("server.key"), "-CAfile", at("client-root.pem"), "-Verify", "3",
       "-verify_return_error", "-www"},
      folder_ / "log");
  const auto client =
      Context::client(world().environment, world().trust_servers(), credential_of(world().clients.good()))
          .value();
  Result<std::unique_ptr<Connection>> made = fail(Errc::unavailable, "not tried");
  for (int i = 0; i < 200 && !made; ++i) {
    made = client.connect("localhost", port, net::within(2s));
    if (!made) std::this_thread::sleep_for(20ms);
  }
  ASSERT_TRUE(made) << made.error().what << folder_.read("log");
  ASSERT_TRUE((*made)->write(as_bytes("GET / HTTP/1.0\r\n\r\n"), net::within(1s)));
  std::array<std::uint8_t, 16> room{};
  const auto count = (*made)->read(room, net::within(5s));
  ASSERT_TRUE(count) << count.error().what;
  EXPECT_EQ(as_text(BytesView(room).first(8)), "HTTP/1.0");
}

}  // namespace
}  // namespace camvault::tls::test

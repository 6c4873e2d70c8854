// Handshakes whose secrets are in the keystore: here the keystore's own vault, without the socket (with it:
// tests/tls_secrets). NC-3.1-1, NC-3.4-1
#include <gtest/gtest.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "camvault/keystore_tls/vault.h"
#include "loopback.h"

namespace camvault::tls::test {
namespace {

class LocalSecrets final : public keystore::TlsSecrets {
 public:
  Result<Bytes> random(std::size_t count) override {
    Bytes out(count);
    if (RAND_bytes(out.data(), static_cast<int>(count)) != 1) return fail(Errc::internal, "no random bytes");
    return out;
  }
  Result<keystore::TlsShare> new_share(keystore::TlsGroup group) override {
    CAM_TRY(const auto bytes, result(vault_.new_share(group)));
    const BytesView view(bytes);
    return keystore::TlsShare{to_bytes(view.first(keystore::kTlsHandle)),
                              to_bytes(view.subspan(keystore::kTlsHandle))};
  }
  Result<Bytes> agree(BytesView share, BytesView peer_point) override {
    ++exchanges;
    return result(vault_.agree(share, peer_point));
  }
  Result<Bytes> psk(const keystore::KeyUse& /*use*/) override { return fail(Errc::unsupported, "none"); }
  Result<Bytes> derive(const keystore::TlsDerivation& derivation) override {
    if (away) return fail(Errc::unavailable, "keystored is away");
    return result(vault_.derive(derivation));
  }

  std::atomic<int> exchanges = 0;
  std::atomic<bool> away = false;

 private:
  static Result<Bytes> result(keystore::Answer<Bytes> answer) {
    if (!answer) return tl::unexpected(keystore::to_error(answer.error().error));
    return std::move(*answer);
  }
  keystore_tls::Vault vault_;
};

struct Side {
  std::shared_ptr<LocalSecrets> secrets = std::make_shared<LocalSecrets>();
  Environment environment() const {
    auto out = world().environment;
    out.secrets = secrets;
    return out;
  }
};

TEST(TlsSecrets, BothSidesInTheKeystoreInBothVersionsWithEveryKey) {
  Side camera;
  Side recorder;
  int handshakes = 0;
  for (const auto version : {Version::tls1_2, Version::tls1_3}) {
    for (const auto alg : {crypto::KeyAlg::ec_p256, crypto::KeyAlg::rsa_2048, crypto::KeyAlg::ed25519}) {
      SCOPED_TRACE(std::string(to_string(version)) + " " + std::string(to_string(alg)));
      const auto server =
          Context::server(recorder.environment(), credential_of(world().servers.good_of(alg)),
                          ClientCertificates::required, world().trust_clients(), {version, version});
      ASSERT_TRUE(server) << server.error().what;
      const auto client = Context::client(camera.environment(), world().trust_servers(),
                                          credential_of(world().clients.good_of(alg)), {version, version});
      ASSERT_TRUE(client) << client.error().what;
      const auto ends = connect(*client, *server);
      ASSERT_TRUE(ends.client) << ends.client.error().what;
      ASSERT_TRUE(ends.server) << ends.server.error().what;
      ++handshakes;
      EXPECT_EQ(camera.secrets->exchanges, handshakes);
      EXPECT_EQ(recorder.secrets->exchanges, handshakes);
      std::array<std::uint8_t, 64> room{};
      ASSERT_TRUE((*ends.client)->write(as_bytes("from the camera"), net::within(1s)));
      EXPECT_EQ((*ends.server)->read(room, net::within(1s)).value(), 15u);
      ASSERT_TRUE((*ends.server)->write(as_bytes("to it"), net::within(1s)));
      EXPECT_EQ((*ends.client)->read(room, net::within(1s)).value(), 5u);
      EXPECT_EQ((*ends.client)->channel_binding().value(), (*ends.server)->channel_binding().value());
    }
  }
}

TEST(TlsSecrets, TheOtherSideNeedNotHaveThemThere) {
  Side camera;
  const auto server = Context::server(world().environment, credential_of(world().servers.good()),
                                      ClientCertificates::none, {});
  const auto client = Context::client(camera.environment(), world().trust_servers());
  ASSERT_TRUE(server && client);
  const auto ends = connect(*client, *server);
  ASSERT_TRUE(ends.client) << ends.client.error().what;
  EXPECT_EQ(camera.secrets->exchanges, 1);
}

TEST(TlsSecrets, WithoutTheKeystoreThereIsNoConnection) {
  Side camera;
  const auto server = Context::server(world().environment, credential_of(world().servers.good()),
                                      ClientCertificates::none, {});
  const auto client = Context::client(camera.environment(), world().trust_servers());
  ASSERT_TRUE(server && client);
  camera.secrets->away = true;
  EXPECT_FALSE(connect(*client, *server).client);
  camera.secrets->away = false;
  EXPECT_TRUE(connect(*client, *server).client);
}

}  // namespace
}  // namespace camvault::tls::test

// The real daemon with an SE05x behind its sandbox: the simulator, on a socket. SP-4.2.10, SP-4.2.11,
// AX-3.1-3.
#include <thread>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/se05x_sim/server.h"
#include "test_daemon.h"

namespace camvault::keystored {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::default_policy;
using keystore::KeyType;
using keystore::Purpose;

// A simulator in this process, on a socket that the daemon's user can reach.
class Element {
 public:
  explicit Element(const std::filesystem::path& folder)
      : simulator_(se05x_sim::Simulator::create({.state = folder / "state"}).value()) {
    auto listener = se05x_sim::Listener::open("unix:" + (folder / "bus").string()).value();
    if (is_root() && ::chown((folder / "bus").c_str(), kDaemonUid, kDaemonUid) != 0)
      throw std::runtime_error("chown");
    if (::pipe2(ends_, O_CLOEXEC) != 0)
      throw std::runtime_error("pipe");  // no program that is started keeps it open
    thread_ = std::thread([this, listener = std::move(listener)]() mutable {
      static_cast<void>(listener.serve(*simulator_, ends_[0]).has_value());
    });
  }
  ~Element() {
    ::close(ends_[1]);
    thread_.join();
    ::close(ends_[0]);
  }

 private:
  std::shared_ptr<se05x_sim::Simulator> simulator_;
  int ends_[2] = {-1, -1};
  std::thread thread_;
};

class Se05x : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = daemon_.root() / "element";
    std::filesystem::create_directories(folder);
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    const auto keys = folder / "keys";
    ASSERT_TRUE(write_file_atomically(keys,
                                      as_bytes("ENC 101112131415161718191a1b1c1d1e1f\n"
                                               "MAC 202122232425262728292a2b2c2d2e2f\n"
                                               "DEK 303132333435363738393a3b3c3d3e3f\n"),
                                      0600));
    ASSERT_TRUE(!is_root() || ::chown(keys.c_str(), kDaemonUid, kDaemonUid) == 0);
    element_ = std::make_unique<Element>(folder);
    daemon_.write_config(TestDaemon::default_config() + "[[backend]]\ntype = \"se05x\"\nbus = \"sim:unix:" +
                         (folder / "bus").string() + "\"\nscp03_keys = \"" + keys.string() +
                         "\"\njournal = \"" + (daemon_.state() / "se05x.journal").string() +
                         "\"\n[[backend]]\ntype = \"software\"\n");
    ASSERT_TRUE(daemon_.start()) << daemon_.log();
    keystore_ = daemon_.connect();
    ASSERT_NE(keystore_, nullptr);
  }
  Status sign(const std::string& name) {
    const auto digest = openssl_->digest(HashAlg::sha256, as_bytes("x"));
    CAM_TRY(const auto signature, keystore_->sign_digest({key_name(name), Purpose::media_signing},
                                                         SignatureScheme::ecdsa, digest, HashAlg::sha256));
    CAM_TRY(const auto spki, keystore_->public_key(key_name(name)));
    CAM_TRY(const auto key, openssl_->public_key_from_spki(spki));
    return key->verify_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest, signature)
               ? ok()
               : fail(Errc::invalid, "bad signature");
  }

  TestDaemon daemon_;
  std::unique_ptr<Element> element_;
  std::shared_ptr<keystore::Keystore> keystore_;
  std::unique_ptr<crypto::Engine> openssl_ = crypto_openssl::make_openssl_engine();
};

TEST_F(Se05x, KeysWorkInsideTheSandboxAndOutliveBothRestarts) {
  const auto policy = default_policy(KeyType::ec_p256, Purpose::media_signing);
  const auto made = keystore_->generate(key_name("camera/media"), KeyType::ec_p256, policy);
  ASSERT_TRUE(made) << made.error().what << daemon_.log();
  EXPECT_EQ(made->backend, "se05x");
  EXPECT_TRUE(sign("camera/media"));
  const auto status = keystore_->status().value();
  EXPECT_EQ(status.backends[0].kind, "se05x");
  EXPECT_TRUE(status.backends[0].simulator);
  EXPECT_TRUE(status.backends[0].usable);
  EXPECT_NE(status.backends[0].protection.find("SIMULATOR"), std::string::npos);

  // The element vanishes and comes back while the daemon goes on.
  element_.reset();
  EXPECT_EQ(sign("camera/media").error().code, Errc::unavailable);
  element_ = std::make_unique<Element>(daemon_.root() / "element");
  const auto again = sign("camera/media");
  EXPECT_TRUE(again) << again.error().what << daemon_.log();

  // The name of a software key moves into the element while its user goes on.
  ASSERT_TRUE(keystore_->generate_in("software", key_name("camera/soft"), KeyType::ec_p256, policy));
  const auto moved = keystore_->move(key_name("camera/soft"), "se05x", keystore::MoveMode::same_key);
  ASSERT_TRUE(moved) << moved.error().what << daemon_.log();
  EXPECT_EQ(moved->origin, keystore::Origin::imported);
  EXPECT_TRUE(sign("camera/soft"));

  keystore_.reset();
  EXPECT_EQ(daemon_.stop(), 0) << daemon_.log();
  ASSERT_TRUE(daemon_.start()) << daemon_.log();
  keystore_ = daemon_.connect();
  EXPECT_TRUE(sign("camera/media"));
  EXPECT_TRUE(sign("camera/soft"));
  EXPECT_TRUE(keystore_->remove(key_name("camera/soft")));
  EXPECT_EQ(keystore_->random(64).value().size(), 64u);
  keystore_.reset();
  EXPECT_EQ(daemon_.stop(), 0) << daemon_.log();
}

}  // namespace
}  // namespace camvault::keystored

// Who may not: other users, root without a rule, keys for something else. SP-4.2.10, SP-4.2.11, IP-3-1.
#include "camvault/crypto/key.h"
#include "raw_client.h"

namespace camvault::keystored {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::default_policy;
using keystore::KeyType;
using keystore::KeyUse;
using keystore::Purpose;

crypto::Digest digest() {
  crypto::Digest out;
  out.size = 32;
  return out;
}

// Tries every operation on keys of the application "camera". Gives the number of those that were not refused
// with "denied", so 0 is good.
int try_everything(const TestDaemon& daemon) {
  const auto client = ipc::connect_keystore(daemon.socket());
  if (!client) return 100;
  auto& keystore = **client;
  const auto name = key_name("camera/media");
  const KeyUse use{name, Purpose::media_signing};
  const auto new_name = key_name("camera/new");
  const auto policy = default_policy(KeyType::aes_256, Purpose::data_encryption);
  int not_refused = 0;
  const auto expect_denied = [&](const auto& result) {
    not_refused += !result && result.error().code == Errc::denied ? 0 : 1;
  };
  expect_denied(keystore.list());
  expect_denied(keystore.info(name));
  expect_denied(keystore.generate(new_name, KeyType::aes_256, policy));
  expect_denied(keystore.import_key(new_name, KeyType::aes_256, policy, Secret(Bytes(32))));
  expect_denied(keystore.remove(name));
  expect_denied(keystore.public_key(name));
  expect_denied(keystore.sign_digest(use, SignatureScheme::ecdsa, digest(), HashAlg::sha256));
  expect_denied(keystore.sign_message(use, SignatureScheme::ecdsa, {}, HashAlg::sha256));
  expect_denied(keystore.random(16));
  expect_denied(keystore.encrypt({name, Purpose::data_encryption}, {}, {}));
  expect_denied(keystore.decrypt({name, Purpose::data_encryption}, Bytes(28), {}));
  expect_denied(keystore.mac({name, Purpose::mac}, {}));
  expect_denied(keystore.signing_key(use));
  // Keys that do not exist are refused in the same way: nothing is learnt.
  expect_denied(keystore.info(key_name("camera/none")));
  expect_denied(keystore.info(key_name("nobody/none")));
  const auto status = keystore.status();
  if (!status || !status->damaged.empty()) ++not_refused;
  return not_refused;
}

class Refusals : public KeystoredTest {
 protected:
  void make_key() {
    ASSERT_TRUE(keystore_->generate(key_name("camera/media"), KeyType::ec_p256,
                                    default_policy(KeyType::ec_p256, Purpose::media_signing)));
  }
};

TEST_F(Refusals, AnotherUserGetsNothing) {
  if (!is_root()) GTEST_SKIP() << "becoming another user needs root";
  make_key();
  EXPECT_EQ(run_as(kStranger, [&] { return try_everything(daemon_); }), 0);
  // The daemon's own uid has no rule either.
  EXPECT_EQ(run_as(kDaemonUid, [&] { return try_everything(daemon_); }), 0);
  EXPECT_TRUE(keystore_->info(key_name("camera/media")));
  EXPECT_NE(daemon_.log().find("audit: uid 65534 pid "), std::string::npos);
  EXPECT_NE(
      daemon_.log().find("sign_digest camera/media refused: the uid does not belong to the application"),
      std::string::npos);
}

TEST_F(Refusals, RootWithoutARuleGetsNothing) {
  make_key();
  daemon_.stop();
  daemon_.write_config("[[application]]\nname = \"camera\"\nuid = 12\n");
  ASSERT_TRUE(daemon_.start()) << daemon_.log();
  EXPECT_EQ(try_everything(daemon_), 0);
}

TEST_F(Refusals, WithoutAnyRuleTheServiceRunsAndRefuses) {
  daemon_.stop();
  daemon_.write_config("");
  ASSERT_TRUE(daemon_.start()) << daemon_.log();
  EXPECT_EQ(try_everything(daemon_), 0);
}

TEST_F(Refusals, AManagerMakesKeysThatOnlyOthersUse) {
  // "sealed" belongs to uid 12; this test's uid manages it.
  const KeyUse use{key_name("sealed/key"), Purpose::media_signing};
  const auto info = keystore_->generate(use.key, KeyType::ec_p256,
                                        default_policy(KeyType::ec_p256, Purpose::media_signing));
  ASSERT_TRUE(info) << info.error().what;
  EXPECT_EQ(info->policy.uids, (std::vector<std::uint32_t>{12}));
  EXPECT_EQ(keystore_->sign_digest(use, SignatureScheme::ecdsa, digest(), HashAlg::sha256).error().code,
            Errc::denied);
  auto policy = default_policy(KeyType::ec_p256, Purpose::media_signing);
  policy.uids = {::geteuid()};
  EXPECT_EQ(keystore_->generate(key_name("sealed/mine"), KeyType::ec_p256, policy).error().code,
            Errc::denied);
}

TEST_F(Refusals, TheUserThatAKeyIsMadeForUsesIt) {
  if (!is_root()) GTEST_SKIP() << "becoming uid 12 needs root";
  const KeyUse use{key_name("sealed/key"), Purpose::media_signing};
  ASSERT_TRUE(keystore_->generate(use.key, KeyType::ec_p256, default_policy(KeyType::ec_p256, use.purpose)));
  const auto sign = [&] {
    const auto client = ipc::connect_keystore(daemon_.socket());
    return client && (*client)->sign_digest(use, SignatureScheme::ecdsa, digest(), HashAlg::sha256) ? 0 : 1;
  };
  EXPECT_EQ(run_as(12, sign), 0);
  EXPECT_EQ(run_as(kStranger, sign), 1);
}

TEST_F(Refusals, PurposeAndAlgorithmAreChecked) {
  make_key();
  const auto name = key_name("camera/media");
  const auto why = [&](Purpose purpose, SignatureScheme scheme, HashAlg hash) {
    auto d = digest();
    d.size = static_cast<std::uint8_t>(crypto::digest_size(hash));
    const auto signature = keystore_->sign_digest({name, purpose}, scheme, d, hash);
    return signature ? std::string("signed") : signature.error().what;
  };
  EXPECT_EQ(why(Purpose::media_signing, SignatureScheme::ecdsa, HashAlg::sha256), "signed");
  EXPECT_EQ(why(Purpose::tls, SignatureScheme::ecdsa, HashAlg::sha256), "the key has another purpose");
  EXPECT_EQ(why(Purpose::media_signing, SignatureScheme::rsa_pss, HashAlg::sha256),
            "the key's policy does not allow that algorithm");
  EXPECT_EQ(keystore_->encrypt({name, Purpose::data_encryption}, {}, {}).error().what,
            "the key has another purpose");
  EXPECT_EQ(keystore_->mac({name, Purpose::media_signing}, {}).error().what, "the key has another purpose");
  EXPECT_EQ(keystore_->signing_key({name, Purpose::tls}).error().what, "the key has another purpose");
  const auto ak = key_name("camera/attestation");
  ASSERT_TRUE(
      keystore_->generate(ak, KeyType::ec_p256, default_policy(KeyType::ec_p256, Purpose::attestation)));
  EXPECT_EQ(
      keystore_->sign_digest({ak, Purpose::attestation}, SignatureScheme::ecdsa, digest(), HashAlg::sha256)
          .error()
          .what,
      "the key has another purpose");
}

TEST_F(Refusals, NoKeyIsEverReplacedOrNamedOutsideTheAlphabet) {
  make_key();
  const auto policy = default_policy(KeyType::ec_p256, Purpose::media_signing);
  EXPECT_EQ(keystore_->generate(key_name("camera/media"), KeyType::ec_p256, policy).error().code,
            Errc::exists);
  EXPECT_EQ(keystore_->import_key(key_name("camera/media"), KeyType::ec_p256, policy, Secret(Bytes(32)))
                .error()
                .code,
            Errc::exists);
  EXPECT_EQ(keystore_->generate(key_name("other/key"), KeyType::ec_p256, policy).error().code, Errc::denied);
  // A policy that does not fit is refused by the service too, not only by our client.
  RawClient raw(daemon_);
  ASSERT_TRUE(raw.greet());
  auto wrong = policy;
  wrong.purpose = Purpose::mac;
  ASSERT_TRUE(raw.send_request({7, ipc::request::Generate{key_name("camera/x"), KeyType::ec_p256, wrong}}));
  EXPECT_EQ(raw.error_of(keystore::Operation::generate), keystore::ServiceError::usage);
}

}  // namespace
}  // namespace camvault::keystored

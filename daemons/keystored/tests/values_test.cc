// Secrets that are used and never read, counters, key agreement, sealing and backups, through the real
// daemon. SP-4.2.10, SP-4.2.11, NC-3.x.
#include <thread>

#include "camvault/codec/cbor.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/keystore/encoding.h"
#include "camvault/keystore/tls_secrets.h"
#include "camvault/keystore_software/software_backend.h"
#include "test_daemon.h"

namespace camvault::keystored {
namespace {

using crypto_openssl::LocalKey;
using keystore::default_policy;
using keystore::Kdf;
using keystore::KeyType;
using keystore::Origin;
using keystore::Purpose;

class Values : public KeystoredTest {
 protected:
  void put(const std::string& name, Purpose purpose, std::string_view secret) {
    const auto made = keystore_->import_key(
        key_name(name), KeyType::secret, default_policy(KeyType::secret, purpose), Secret(as_bytes(secret)));
    ASSERT_TRUE(made) << made.error().what;
  }
  Result<bool> is(const std::string& name, std::string_view candidate) {
    return keystore_->compare({key_name(name), Purpose::password}, Secret(as_bytes(candidate)));
  }
  std::string derived(const std::string& name, Purpose purpose, const keystore::Derivation& derivation) {
    const auto out = keystore_->derive({key_name(name), purpose}, derivation);
    if (!out) return out.error().what;
    return out->reveal([](BytesView bytes) { return to_hex(bytes); });
  }
};

TEST_F(Values, SecretsAreComparedAndNothingElse) {
  put("camera/admin", Purpose::password, "correct horse");
  EXPECT_TRUE(is("camera/admin", "correct horse").value());
  EXPECT_FALSE(is("camera/admin", "correct hors").value());
  EXPECT_FALSE(is("camera/admin", "correct horse ").value());
  EXPECT_FALSE(is("camera/admin", "x").value());
  const keystore::KeyUse use{key_name("camera/admin"), Purpose::password};
  EXPECT_EQ(keystore_->mac(use, {}).error().code, Errc::denied);
  EXPECT_EQ(keystore_->decrypt(use, Bytes(40), {}).error().code, Errc::denied);
  EXPECT_EQ(keystore_->derive(use, {.kdf = Kdf::hkdf_sha256, .size = 32}).error().code, Errc::denied);
  EXPECT_EQ(keystore_->backup(use.key).error().code, Errc::denied);
  EXPECT_EQ(keystore_->public_key(use.key).error().code, Errc::unsupported);
  // Another's purpose does not compare.
  put("camera/wifi", Purpose::wifi_psk, "password");
  EXPECT_EQ(keystore_->compare({key_name("camera/wifi"), Purpose::wifi_psk}, Secret(as_bytes("password")))
                .error()
                .code,
            Errc::denied);
  EXPECT_FALSE(keystore_->import_key(key_name("camera/empty"), KeyType::secret,
                                     default_policy(KeyType::secret, Purpose::password), Secret()));
  EXPECT_FALSE(keystore_->import_key(key_name("camera/long"), KeyType::secret,
                                     default_policy(KeyType::secret, Purpose::password),
                                     Secret(Bytes(129, 1))));
}

TEST_F(Values, WrongTriesMakeEverybodyWaitTheRightOneToo) {
  put("camera/pin", Purpose::password, "2580");
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(is("camera/pin", "0000").value());
  EXPECT_TRUE(is("camera/pin", "2580").value());  // forgets the wrong ones
  int answered = 0;
  while (answered < 20 && is("camera/pin", "0000")) ++answered;
  EXPECT_EQ(answered, 6);  // five are free, the sixth starts the clock
  EXPECT_EQ(is("camera/pin", "2580").error().code, Errc::unavailable);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_TRUE(is("camera/pin", "2580").value());
}

// NC-1-2, NC-3.4-1. What the vault does with them: keystore_tls/vault_test.cc.
TEST_F(Values, SecretsOfHandshakesBelongToOneConnection) {
  const auto secrets = keystore_->tls_secrets().value();
  const auto others = keystore_->tls_secrets().value();
  const auto share = secrets->new_share(keystore::TlsGroup::x25519).value();
  EXPECT_EQ(share.point.size(), 32U);
  EXPECT_EQ(others->agree(share.handle, Bytes(32, 9)).error().code, Errc::invalid);
  const auto shared = secrets->agree(share.handle, Bytes(32, 9)).value();
  const auto stage = secrets->derive({.step = keystore::TlsStep::extract_1_3, .secret = shared}).value();
  const keystore::TlsDerivation key{
      .step = keystore::TlsStep::expand_1_3, .secret = stage, .label = as_bytes("key"), .size = 16};
  EXPECT_EQ(secrets->derive(key).value().size(), 16U);
  EXPECT_EQ(others->derive(key).error().code, Errc::invalid);

  put("camera/cloud", Purpose::tls_psk, "0123456789abcdef0123");
  put("camera/short", Purpose::tls_psk, "0123456789abcde");
  put("camera/wifi", Purpose::wifi_psk, "0123456789abcdef");
  const auto psk = secrets->psk({key_name("camera/cloud"), Purpose::tls_psk}).value();
  EXPECT_EQ(psk.size(), 20U);
  EXPECT_EQ(as_text(psk).find("0123"), std::string_view::npos);
  EXPECT_EQ(secrets->psk({key_name("camera/short"), Purpose::tls_psk}).error().code, Errc::limit);
  EXPECT_EQ(secrets->psk({key_name("camera/wifi"), Purpose::tls_psk}).error().code, Errc::denied);
  EXPECT_EQ(secrets->psk({key_name("camera/wifi"), Purpose::wifi_psk}).error().code, Errc::denied);
  EXPECT_EQ(secrets->psk({key_name("camera/none"), Purpose::tls_psk}).error().code, Errc::not_found);
  const keystore::KeyUse use{key_name("camera/cloud"), Purpose::tls_psk};
  EXPECT_EQ(keystore_->compare(use, Secret(as_bytes("0123456789abcdef0123"))).error().code, Errc::denied);
  EXPECT_EQ(keystore_->derive(use, {.kdf = Kdf::hkdf_sha256, .size = 32}).error().code, Errc::denied);
}

TEST_F(Values, DerivationsAreThoseOfTheirStandards) {
  // IEEE 802.11 J.4.2
  put("camera/wifi", Purpose::wifi_psk, "password");
  const Bytes ssid = to_bytes(as_bytes("IEEE"));
  EXPECT_EQ(derived("camera/wifi", Purpose::wifi_psk,
                    {.kdf = Kdf::wpa_psk, .salt = ssid, .rounds = 4096, .size = 32}),
            "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e");
  // RFC 5869 A.1
  put("camera/seed", Purpose::key_derivation, std::string(22, '\x0b'));
  const auto salt = from_hex("000102030405060708090a0b0c").value();
  const auto info = from_hex("f0f1f2f3f4f5f6f7f8f9").value();
  EXPECT_EQ(derived("camera/seed", Purpose::key_derivation,
                    {.kdf = Kdf::hkdf_sha256, .salt = salt, .info = info, .size = 42}),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(derived("camera/seed", Purpose::key_derivation, {.kdf = Kdf::hkdf_sha256, .size = 16}).size(),
            32u);
  // Python's hashlib
  put("camera/login", Purpose::key_derivation, "password");
  const Bytes long_salt = to_bytes(as_bytes("saltsalt"));
  EXPECT_EQ(derived("camera/login", Purpose::key_derivation,
                    {.kdf = Kdf::pbkdf2_sha256, .salt = long_salt, .rounds = 1000, .size = 32}),
            "135f7a66144fcf0fb003ce048f31f024ed5cbff30525d3ba0bfb3199479362a6");
  // A passphrase gives keys of networks only, and other secrets none.
  EXPECT_FALSE(
      keystore_->derive({key_name("camera/wifi"), Purpose::wifi_psk}, {.kdf = Kdf::hkdf_sha256, .size = 32}));
  EXPECT_FALSE(keystore_->derive({key_name("camera/seed"), Purpose::key_derivation},
                                 {.kdf = Kdf::wpa_psk, .salt = ssid, .rounds = 4096, .size = 32}));
}

TEST_F(Values, SecretsMakeMacs) {
  put("camera/token", Purpose::mac, "key");
  const auto tag = keystore_->mac({key_name("camera/token"), Purpose::mac},
                                  as_bytes("The quick brown fox jumps over the lazy dog"));
  EXPECT_EQ(to_hex(tag.value()), "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
}

TEST_F(Values, ACounterOnlyGrowsWheneverTheServiceIsKilled) {
  const auto name = key_name("camera/rollback");
  ASSERT_TRUE(keystore_->generate(name, KeyType::counter,
                                  default_policy(KeyType::counter, Purpose::rollback_protection)));
  EXPECT_EQ(keystore_->read_counter(name).value(), 0u);
  std::uint64_t reported = 0;
  for (int round = 0; round < 10; ++round) {
    std::thread killer([&, round] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5 + 7 * round));
      daemon_.stop(SIGKILL);
    });
    for (;;) {
      const auto value = keystore_->increment_counter(name);
      if (!value) break;
      EXPECT_EQ(*value, reported + 1);
      reported = *value;
    }
    killer.join();
    ASSERT_TRUE(daemon_.start()) << daemon_.log();
    keystore_ = daemon_.connect();
    const auto now = keystore_->read_counter(name);
    ASSERT_TRUE(now) << now.error().what;
    EXPECT_TRUE(*now == reported || *now == reported + 1) << *now << " after " << reported;
    reported = *now;
  }
  EXPECT_GT(reported, 0u);
  EXPECT_FALSE(keystore_->read_counter(key_name("camera/none")));
  EXPECT_FALSE(keystore_->import_key(key_name("camera/other"), KeyType::counter,
                                     default_policy(KeyType::counter, Purpose::rollback_protection),
                                     Secret(Bytes(9, 1))));
  EXPECT_FALSE(keystore_->mac({name, Purpose::rollback_protection}, {}));
  EXPECT_EQ(keystore_->info(name)->backend, "software");  // the stand-in says so
  EXPECT_TRUE(keystore_->remove(name));
}

TEST_F(Values, CountersOfSeveralClientsLoseNothing) {
  const auto name = key_name("camera/shared");
  ASSERT_TRUE(keystore_->generate(name, KeyType::counter,
                                  default_policy(KeyType::counter, Purpose::rollback_protection)));
  std::vector<std::thread> threads;
  std::atomic<int> done = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) done += keystore_->increment_counter(name) ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(keystore_->read_counter(name).value(), static_cast<std::uint64_t>(done));
  EXPECT_EQ(done, 40);
}

TEST_F(Values, KeysThatAgreeDoNothingElse) {
  const auto made = [&](const std::string& name) {
    EXPECT_TRUE(keystore_->generate(key_name(name), KeyType::ecdh_p256,
                                    default_policy(KeyType::ecdh_p256, Purpose::key_agreement)));
    return keystore_->public_key(key_name(name)).value();
  };
  const auto a = made("camera/a");
  const auto b = made("camera/b");
  const auto ab = keystore_->agree({key_name("camera/a"), Purpose::key_agreement}, b).value();
  const auto ba = keystore_->agree({key_name("camera/b"), Purpose::key_agreement}, a).value();
  EXPECT_EQ(ab.size(), 32u);
  EXPECT_TRUE(ab.reveal([&](BytesView bytes) { return ba.equals(bytes); }));
  EXPECT_EQ(keystore_->agree({key_name("camera/a"), Purpose::key_agreement}, as_bytes("no key")).error().code,
            Errc::usage);
  const auto p384 = LocalKey::generate(crypto::KeyAlg::ec_p384).value();
  EXPECT_FALSE(keystore_->agree({key_name("camera/a"), Purpose::key_agreement}, p384->spki_der()));
  EXPECT_EQ(keystore_->signing_key({key_name("camera/a"), Purpose::key_agreement}).error().code, Errc::usage);
}

TEST_F(Values, SoftwareKnowsNoStateOfThePlatformAndHasNoWordOfItsOwn) {
  EXPECT_EQ(keystore_->seal(key_name("camera/x"), Secret(as_bytes("y")), {}).error().code, Errc::unsupported);
  EXPECT_EQ(keystore_->unseal(key_name("camera/x"), Bytes(100)).error().code, Errc::invalid);
  ASSERT_TRUE(keystore_->generate(key_name("camera/k"), KeyType::ec_p256,
                                  default_policy(KeyType::ec_p256, Purpose::tls)));
  EXPECT_EQ(keystore_->certify(key_name("camera/k"), Bytes(16)).error().code, Errc::unsupported);
  EXPECT_EQ(keystore_->attester(key_name("camera/k")).error().code, Errc::unsupported);
}

// NA-2.3-1: what leaves, leaves to the owner only, and comes back as what it is.
class Backups : public Values {
 protected:
  void SetUp() override {
    owner_ = LocalKey::generate(crypto::KeyAlg::ec_p256).value();
    crypto_openssl::SubjectName subject;
    subject.common_name = "Owner";
    crypto_openssl::CertificateProfile profile;
    profile.key_usage = crypto_openssl::KeyUsage::key_agreement;
    profile.not_before = from_iso8601("2026-01-01").value();
    profile.not_after = from_iso8601("2046-01-01").value();
    certificate_ = crypto_openssl::certificate_pem(
        crypto_openssl::issue_self_signed(*owner_, subject, profile, Bytes(8, 1)).value());
    const auto path = daemon_.root() / "owner.pem";
    std::ofstream(path) << certificate_;
    std::filesystem::permissions(path, std::filesystem::perms(0644));
    auto config = TestDaemon::default_config();
    config.insert(config.find("import = true"), "backup_owner = \"" + path.string() + "\"\n");
    daemon_.write_config(config);
    Values::SetUp();
  }
  Result<Secret> opened(BytesView message, const LocalKey& key) const {
    return keystore_software::decrypt_as_owner(message, as_bytes(certificate_), key.private_pem_for_tests());
  }
  Status generate(const std::string& name, Purpose purpose, bool backup) {
    auto policy = default_policy(KeyType::ec_p256, purpose);
    policy.backup = backup;
    CAM_TRY_STATUS(keystore_->generate(key_name(name), KeyType::ec_p256, policy));
    return ok();
  }

  std::unique_ptr<LocalKey> owner_;
  std::string certificate_;
};

TEST_F(Backups, AKeyWhosePolicyAllowsItGoesToItsOwnerAndComesBack) {
  ASSERT_TRUE(generate("camera/tls", Purpose::tls, true));
  const auto spki = keystore_->public_key(key_name("camera/tls")).value();
  const auto message = keystore_->backup(key_name("camera/tls"));
  ASSERT_TRUE(message) << message.error().what;
  const auto plain = opened(*message, *owner_);
  ASSERT_TRUE(plain) << plain.error().what;
  const auto key = plain->reveal([](BytesView bytes) {
    auto whole = codec::CborReader::open(bytes).value();
    auto map = whole.map().value();
    EXPECT_TRUE(map.key(0));
    EXPECT_EQ(map.text().value(), keystore::kBackupName);
    EXPECT_TRUE(map.key(1));
    EXPECT_EQ(map.unsigned_integer().value(), keystore::kBackupVersion);
    EXPECT_TRUE(map.key(2));
    EXPECT_EQ(keystore::read_key_info(map)->name.text(), "camera/tls");
    EXPECT_TRUE(map.key(3));
    return Secret(map.bytes().value());
  });
  auto policy = default_policy(KeyType::ec_p256, Purpose::tls);
  policy.backup = true;
  EXPECT_EQ(keystore_->restore(key_name("camera/tls"), KeyType::ec_p256, policy, key).error().code,
            Errc::exists);
  ASSERT_TRUE(keystore_->remove(key_name("camera/tls")));
  const auto back = keystore_->restore(key_name("camera/tls"), KeyType::ec_p256, policy, key);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->origin, Origin::imported);
  EXPECT_EQ(keystore_->public_key(key_name("camera/tls")).value(), spki);
}

TEST_F(Backups, IdentitiesKeysWithoutTheFlagOtherOwnersAndHalfFilesAreRefused) {
  // The device's identity: not even by its policy.
  EXPECT_EQ(generate("camera/idevid", Purpose::device_identity, true).error().code, Errc::usage);
  ASSERT_TRUE(generate("camera/idevid", Purpose::device_identity, false));
  EXPECT_EQ(keystore_->backup(key_name("camera/idevid")).error().code, Errc::denied);
  ASSERT_TRUE(generate("camera/kept", Purpose::tls, false));
  EXPECT_EQ(keystore_->backup(key_name("camera/kept")).error().code, Errc::denied);
  EXPECT_EQ(keystore_->backup(key_name("camera/none")).error().code, Errc::not_found);
  ASSERT_TRUE(generate("camera/tls", Purpose::tls, true));
  const auto message = keystore_->backup(key_name("camera/tls")).value();
  const auto other = LocalKey::generate(crypto::KeyAlg::ec_p256).value();
  EXPECT_FALSE(opened(message, *other));
  for (std::size_t size = 0; size < message.size(); size += 7)
    EXPECT_FALSE(opened(BytesView(message).first(size), *owner_)) << size;
  EXPECT_FALSE(opened(BytesView(message).first(message.size() - 1), *owner_));
  // A flipped bit anywhere: refused, or (the type of the content, which nobody looks at) without effect.
  const auto plain = opened(message, *owner_).value();
  for (std::size_t at = 0; at < message.size(); at += 3) {
    auto changed = message;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 1u);
    const auto read = opened(changed, *owner_);
    EXPECT_TRUE(!read || read->reveal([&](BytesView bytes) { return plain.equals(bytes); })) << at;
  }
}

TEST_F(Values, WithoutAnOwnerThereAreNoBackups) {
  auto policy = default_policy(KeyType::ec_p256, Purpose::tls);
  policy.backup = true;
  ASSERT_TRUE(keystore_->generate(key_name("camera/tls"), KeyType::ec_p256, policy));
  EXPECT_EQ(keystore_->backup(key_name("camera/tls")).error().code, Errc::denied);
}

}  // namespace
}  // namespace camvault::keystored

// The engine over the software backend: decisions and damage. SP-4.2.11.
#include "engine_fixture.h"

#include <atomic>
#include <fstream>
#include <thread>

#include "camvault/attestation/check.h"
#include "camvault/test_support/program.h"

namespace camvault::keystore_engine {
namespace {

TEST_F(EngineTest, EveryOperationAsksThePolicyOnEveryCallAndRootIsNobody) {
  make_key("camera/a");
  make_key("camera/b", {kSecond.uid});
  EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone);
  EXPECT_EQ(sign_error(kSecond, signing("camera/a")),
            ServiceError::denied);  // of the application, not of the key
  EXPECT_EQ(sign_error(kSecond, signing("camera/b")), kNone);
  EXPECT_EQ(sign_error(kCamera, signing("camera/b")), ServiceError::denied);
  EXPECT_EQ(sign_error(kManager, signing("camera/a")),
            ServiceError::denied);  // makes keys, does not use them
  for (const auto& who : {kStranger, kRoot}) {
    EXPECT_EQ(sign_error(who, signing("camera/a")), ServiceError::denied);
    EXPECT_EQ(sign_error(who, signing("camera/none")),
              ServiceError::denied);  // does not learn which keys exist
    EXPECT_EQ(engine_->info(who, name("camera/a")).error().error, ServiceError::denied);
    EXPECT_EQ(engine_->public_key(who, name("camera/a")).error().error, ServiceError::denied);
    EXPECT_EQ(engine_->list(who, "", 10).error().error, ServiceError::denied);
    EXPECT_EQ(engine_->random(who, 8).error().error, ServiceError::denied);
    EXPECT_EQ(engine_->remove(who, name("camera/a")).error().error, ServiceError::denied);
    EXPECT_EQ(engine_
                  ->generate(who, name("camera/c"), KeyType::aes_256,
                             default_policy(KeyType::aes_256, Purpose::data_encryption))
                  .error()
                  .error,
              ServiceError::denied);
    EXPECT_EQ(engine_
                  ->import_key(who, name("camera/c"), KeyType::aes_256,
                               default_policy(KeyType::aes_256, Purpose::data_encryption), Secret(Bytes(32)))
                  .error()
                  .error,
              ServiceError::denied);
  }
  EXPECT_EQ(sign_error(kCamera, signing("camera/none")), ServiceError::not_found);
  EXPECT_EQ(engine_->remove(kCamera, name("camera/a")).error().error, ServiceError::denied);
  EXPECT_EQ(engine_
                ->generate(kCamera, name("camera/c"), KeyType::aes_256,
                           default_policy(KeyType::aes_256, Purpose::data_encryption))
                .error()
                .error,
            ServiceError::denied);
}

// AX-4.1-3, NA-2.3-1, NA-2.3-2: the engine says where a key came from; nobody else can put words into its
// mouth.
TEST_F(EngineTest, StatesWhereAKeyCameFrom) {
  make_key("camera/made");
  const auto attestation_policy = default_policy(KeyType::ec_p256, Purpose::attestation);
  ASSERT_TRUE(engine_->generate(kManager, name("camera/ak"), KeyType::ec_p256, attestation_policy));
  const auto pem = (folder_ / "outside.pem").string();
  const auto file = (folder_ / "outside.der").string();
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                                 "ec_paramgen_curve:P-256", "-out", pem},
        std::vector<std::string>{"openssl", "pkcs8", "-topk8", "-nocrypt", "-in", pem, "-outform", "DER",
                                 "-out", file}}) {
    ASSERT_EQ(test_support::run_program(command).exit_code, 0);
  }
  const auto pkcs8 = read_file(file, 4096).value();
  ASSERT_TRUE(engine_->import_key(kManager, name("camera/put-in"), KeyType::ec_p256,
                                  default_policy(KeyType::ec_p256, Purpose::media_signing), Secret(pkcs8)));
  const auto crypto = crypto_openssl::make_openssl_engine();
  const Bytes nonce(16, 0x77);
  const auto attester =
      crypto->digest(HashAlg::sha256, engine_->public_key(kCamera, name("camera/ak")).value());
  for (const auto& [key, origin] : {std::pair{"camera/made", attestation::KeyOrigin::generated_inside},
                                    std::pair{"camera/put-in", attestation::KeyOrigin::imported}}) {
    const auto evidence = engine_->attest(kCamera, name(key), name("camera/ak"), nonce);
    ASSERT_TRUE(evidence) << evidence.error().why;
    EXPECT_EQ(audit_.back(), "100 attest " + std::string(key) + " allowed");
    const auto spki = engine_->public_key(kCamera, name(key)).value();
    const auto found =
        attestation::check(*crypto, {attestation::kKeystored, *evidence, spki, nonce, attester});
    EXPECT_EQ(found.standing, attestation::Standing::vouched) << found.reason;
    EXPECT_EQ(found.statement->origin, origin);
    EXPECT_EQ(found.statement->backend, "software");
    EXPECT_EQ(found.statement->stated, from_unix_seconds(1'700'000'000));
  }
}

TEST_F(EngineTest, StatementsAreForThoseWhoMayUseBothKeys) {
  make_key("camera/made");
  make_key("camera/of-second", {kSecond.uid});
  auto only_second = default_policy(KeyType::ec_p256, Purpose::attestation);
  only_second.uids = {kSecond.uid};
  ASSERT_TRUE(engine_->generate(kManager, name("camera/ak2"), KeyType::ec_p256, only_second));
  ASSERT_TRUE(engine_->generate(kManager, name("camera/ak"), KeyType::ec_p256,
                                default_policy(KeyType::ec_p256, Purpose::attestation)));
  ASSERT_TRUE(engine_->generate(kManager, name("camera/aes"), KeyType::aes_256,
                                default_policy(KeyType::aes_256, Purpose::data_encryption)));
  const auto error = [&](const Caller& who, const char* key, const char* by, std::size_t nonce = 16) {
    const auto evidence = engine_->attest(who, name(key), name(by), Bytes(nonce, 1));
    return evidence ? kNone : evidence.error().error;
  };
  EXPECT_EQ(error(kCamera, "camera/made", "camera/ak"), kNone);
  EXPECT_EQ(error(kCamera, "camera/of-second", "camera/ak"), ServiceError::denied);
  EXPECT_EQ(error(kCamera, "camera/made", "camera/ak2"), ServiceError::denied);
  EXPECT_EQ(error(kManager, "camera/made", "camera/ak"), ServiceError::denied);
  EXPECT_EQ(error(kRoot, "camera/made", "camera/ak"), ServiceError::denied);
  EXPECT_EQ(error(kStranger, "camera/none", "camera/ak"), ServiceError::denied);
  EXPECT_EQ(error(kCamera, "camera/none", "camera/ak"), ServiceError::not_found);
  EXPECT_EQ(error(kCamera, "camera/made", "camera/none"), ServiceError::not_found);
  EXPECT_EQ(error(kCamera, "camera/made", "other/ak"), ServiceError::denied);
  EXPECT_EQ(error(kCamera, "camera/made", "camera/made"), ServiceError::wrong_purpose);
  EXPECT_EQ(error(kCamera, "camera/aes", "camera/ak"), ServiceError::unsupported);
  EXPECT_EQ(error(kCamera, "camera/made", "camera/ak", 7), ServiceError::usage);
  EXPECT_EQ(error(kCamera, "camera/made", "camera/ak", 65), ServiceError::usage);
}

TEST_F(EngineTest, KeysServeTheirPurposeAndTheirAlgorithmsOnly) {
  auto policy = default_policy(KeyType::rsa_2048, Purpose::media_signing);
  policy.schemes = {SignatureScheme::rsa_pss};
  policy.hashes = {HashAlg::sha256};
  ASSERT_TRUE(engine_->generate(kManager, name("camera/rsa"), KeyType::rsa_2048, policy));
  const auto use = signing("camera/rsa");
  EXPECT_EQ(sign_error(kCamera, use, SignatureScheme::rsa_pss), kNone);
  EXPECT_EQ(sign_error(kCamera, use, SignatureScheme::rsa_pkcs1v15), ServiceError::wrong_algorithm);
  EXPECT_EQ(sign_error(kCamera, use, SignatureScheme::rsa_pss, HashAlg::sha384),
            ServiceError::wrong_algorithm);
  EXPECT_EQ(sign_error(kCamera, use, SignatureScheme::ecdsa), ServiceError::wrong_algorithm);
  EXPECT_EQ(sign_error(kCamera, {use.key, Purpose::tls}, SignatureScheme::rsa_pss),
            ServiceError::wrong_purpose);
  EXPECT_EQ(engine_->encrypt(kCamera, use, {}, {}).error().error, ServiceError::wrong_purpose);
  EXPECT_EQ(engine_->mac(kCamera, {use.key, Purpose::mac}, {}).error().error, ServiceError::wrong_purpose);

  // Attestation keys sign what the keystore states, never a caller's bytes.
  ASSERT_TRUE(engine_->generate(kManager, name("camera/ak"), KeyType::ec_p256,
                                default_policy(KeyType::ec_p256, Purpose::attestation)));
  EXPECT_EQ(sign_error(kCamera, {name("camera/ak"), Purpose::attestation}), ServiceError::wrong_purpose);

  auto short_digest = digest();
  short_digest.size = 20;
  EXPECT_EQ(engine_->sign_digest(kCamera, use, SignatureScheme::rsa_pss, HashAlg::sha256, short_digest)
                .error()
                .error,
            ServiceError::usage);
}

TEST_F(EngineTest, PoliciesNameOnlyUidsOfTheirApplication) {
  auto policy = default_policy(KeyType::ec_p256, Purpose::tls);
  for (const auto uid : {kStranger.uid, kRoot.uid, kManager.uid}) {
    policy.uids = {uid};
    EXPECT_EQ(engine_->generate(kManager, name("camera/x"), KeyType::ec_p256, policy).error().error,
              ServiceError::denied)
        << uid;
  }
  policy.uids = {};
  EXPECT_EQ(engine_->generate(kManager, name("camera/x"), KeyType::ec_p256, policy).value().policy.uids,
            (std::vector<std::uint32_t>{kCamera.uid}));
}

TEST_F(EngineTest, WritesOneAuditLineForEachRequestBeforeItTakesEffect) {
  make_key("camera/a");
  EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone);
  EXPECT_EQ(sign_error(kRoot, signing("camera/a")), ServiceError::denied);
  EXPECT_EQ(sign_error(kCamera, {name("camera/a"), Purpose::tls}), ServiceError::wrong_purpose);
  EXPECT_EQ(sign_error(kCamera, signing("camera/a"), SignatureScheme::rsa_pss),
            ServiceError::wrong_algorithm);
  ASSERT_TRUE(engine_->remove(kManager, name("camera/a")));
  EXPECT_EQ(audit_,
            (std::vector<std::string>{"102 generate camera/a allowed", "100 sign_digest camera/a allowed",
                                      "0 sign_digest camera/a refused", "100 sign_digest camera/a refused",
                                      "100 sign_digest camera/a refused", "102 remove camera/a allowed"}));
}

TEST_F(EngineTest, KeepsKeysAcrossRestartsAndRemembersWhatTheyAre) {
  make_key("camera/a");
  const auto spki = engine_->public_key(kCamera, name("camera/a")).value();
  reopen();
  EXPECT_EQ(engine_->public_key(kCamera, name("camera/a")).value(), spki);
  const auto info = engine_->info(kCamera, name("camera/a")).value();
  EXPECT_EQ(info.created, from_unix_seconds(1'700'000'000));
  EXPECT_EQ(info.origin, keystore::Origin::generated_inside);
  EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone);
}

// Every way to spoil one file: the others keep working, and the spoilt one gives a clear error.
TEST_F(EngineTest, DamagedFilesAreSetAsideAndNamed) {
  make_key("camera/good");
  make_key("camera/bad");
  const auto path = file_of("camera/bad");
  const auto good = read_file(path, 16384).value();
  const auto other = read_file(file_of("camera/good"), 16384).value();
  std::vector<Bytes> contents = {{}, Bytes(100, 0), Bytes(20000, 0xa5), other};
  for (std::size_t size = 1; size < good.size(); size += 37)
    contents.emplace_back(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
  for (std::size_t at = 0; at < good.size(); at += 5) {
    auto changed = good;
    changed[at] ^= 4;
    contents.push_back(std::move(changed));
  }
  for (const auto& content : contents) {
    ASSERT_TRUE(write_file_atomically(path, content, 0600));
    reopen();
    EXPECT_EQ(sign_error(kCamera, signing("camera/good")), kNone);
    EXPECT_EQ(sign_error(kCamera, signing("camera/bad")), ServiceError::damaged);
    EXPECT_EQ(engine_->info(kCamera, name("camera/bad")).error().error, ServiceError::damaged);
    const auto counts = engine_->counts(kCamera).value();
    EXPECT_EQ(counts.keys, 1u);
    ASSERT_EQ(counts.damaged.size(), 1u);
    EXPECT_EQ(counts.damaged[0].find("camera/bad: "), 0u);
    EXPECT_TRUE(engine_->counts(kStranger).value().damaged.empty());
  }
  // The name stays taken until a manager removes the remains.
  EXPECT_EQ(engine_
                ->generate(kManager, name("camera/bad"), KeyType::ec_p256,
                           default_policy(KeyType::ec_p256, Purpose::tls))
                .error()
                .error,
            ServiceError::exists);
  EXPECT_TRUE(engine_->remove(kManager, name("camera/bad")));
  make_key("camera/bad");
  EXPECT_EQ(sign_error(kCamera, signing("camera/bad")), kNone);
}

TEST_F(EngineTest, FilesExchangedWhileItRunsAreNoticed) {
  make_key("camera/a");
  make_key("camera/b");
  reopen();  // no key is open yet
  std::filesystem::copy_file(file_of("camera/b"), file_of("camera/a"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(sign_error(kCamera, signing("camera/a")), ServiceError::invalid);
  EXPECT_EQ(sign_error(kCamera, signing("camera/b")), kNone);
}

TEST_F(EngineTest, IgnoresForeignFilesInItsFolder) {
  make_key("camera/a");
  std::ofstream(folder_ / "keys/README") << "hello";
  std::ofstream(folder_ / "keys/.hidden.key") << "hello";
  reopen();
  EXPECT_EQ(engine_->counts(kCamera).value().keys, 1u);
  EXPECT_TRUE(engine_->counts(kCamera).value().damaged.empty());
}

TEST_F(EngineTest, TheCacheOfOpenKeysIsBoundedAndForgetsRemovedKeys) {
  KeyCache cache(2);
  const auto backend = keystore_software::make_software_backend();
  const std::shared_ptr<const BackendKey> key = backend->open(KeyType::aes_256, Secret(Bytes(32))).value();
  cache.insert(name("a/1"), key);
  cache.insert(name("a/2"), key);
  EXPECT_NE(cache.find(name("a/1")), nullptr);  // now the more recent one
  cache.insert(name("a/3"), key);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find(name("a/2")), nullptr);
  EXPECT_NE(cache.find(name("a/1")), nullptr);
  cache.remove(name("a/1"));
  EXPECT_EQ(cache.find(name("a/1")), nullptr);
  EXPECT_EQ(cache.size(), 1u);
}

TEST_F(EngineTest, ManyThreadsMakeUseAndRemoveKeys) {
  make_key("camera/shared");
  std::atomic<int> made = 0;
  std::atomic<int> wrong = 0;
  auto quiet = config();
  quiet.audit = {};  // the test's list is not for many threads
  engine_ = Engine::open(std::move(quiet)).value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const auto policy = default_policy(KeyType::ec_p256, Purpose::media_signing);
        // All threads want the same name: exactly one gets it each time.
        made += engine_->generate(kManager, name("camera/contested-" + std::to_string(i)), KeyType::ec_p256,
                                  policy)
                    ? 1
                    : 0;
        const auto own = "camera/own-" + std::to_string(t) + "-" + std::to_string(i);
        if (!engine_->generate(kManager, name(own), KeyType::ec_p256, policy)) ++wrong;
        if (!engine_->sign_digest(kCamera, signing(own), SignatureScheme::ecdsa, HashAlg::sha256, digest()))
          ++wrong;
        if (!engine_->sign_digest(kCamera, signing("camera/shared"), SignatureScheme::ecdsa, HashAlg::sha256,
                                  digest()))
          ++wrong;
        if (!engine_->remove(kManager, name(own))) ++wrong;
        if (engine_->sign_digest(kCamera, signing(own), SignatureScheme::ecdsa, HashAlg::sha256, digest()))
          ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, 20);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(engine_->counts(kCamera).value().keys, 21u);
}

}  // namespace
}  // namespace camvault::keystore_engine

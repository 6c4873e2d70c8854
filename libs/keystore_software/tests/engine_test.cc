// The engine over the software backend: decisions, damage, and the end of the process at any step. SP-4.2.11.
#include "camvault/keystore_engine/engine.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "camvault/attestation/check.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/keystore_software/root_key_file.h"
#include "camvault/keystore_software/software_backend.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::keystore_engine {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::default_policy;
using keystore::Purpose;
using keystore::ServiceError;

constexpr Caller kCamera{.uid = 100, .gid = 100, .pid = 1};
constexpr Caller kSecond{.uid = 101, .gid = 101, .pid = 1};
constexpr Caller kManager{.uid = 102, .gid = 102, .pid = 1};
constexpr Caller kStranger{.uid = 999, .gid = 999, .pid = 1};
constexpr Caller kRoot{.uid = 0, .gid = 0, .pid = 1};

class FixedClock final : public Clock {
 public:
  Timestamp now() const override { return from_unix_seconds(1'700'000'000); }
};

class EngineTest : public testing::Test {
 protected:
  EngineTest() { reopen(); }

  EngineConfig config() {
    ApplicationRule camera;
    camera.name = "camera";
    camera.uid = kCamera.uid;
    camera.users = {kSecond.uid};
    camera.managers = {kManager.uid};
    camera.import = true;
    return {.key_folder = folder_ / "keys",
            .rules = AccessRules::make({camera}).value(),
            .backends = {keystore_software::make_software_backend()},
            .sealer = sealer_,
            .clock = std::make_shared<FixedClock>(),
            .audit =
                [this](const Decision& d) {
                  const std::lock_guard lock(audit_mutex_);
                  audit_.push_back(std::to_string(d.who.uid) + " " + std::string(to_string(d.operation)) +
                                   " " + std::string(d.key) + (d.allowed ? " allowed" : " refused"));
                },
            .step = {},
            .sha256 = keystore_software::sha256};
  }
  void reopen() {
    engine_.reset();
    auto engine = Engine::open(config());
    ASSERT_TRUE(engine) << engine.error().what;
    engine_ = std::move(*engine);
  }
  static KeyName name(std::string_view text) { return KeyName::parse(text).value(); }
  static KeyUse signing(std::string_view text) { return {name(text), Purpose::media_signing}; }
  static crypto::Digest digest() {
    crypto::Digest d;
    d.size = 32;
    return d;
  }
  void make_key(std::string_view text, std::vector<std::uint32_t> uids = {}) {
    auto policy = default_policy(KeyType::ec_p256, Purpose::media_signing);
    policy.uids = std::move(uids);
    const auto made = engine_->generate(kManager, name(text), KeyType::ec_p256, policy);
    ASSERT_TRUE(made) << made.error().why;
  }
  ServiceError sign_error(const Caller& who, const KeyUse& use,
                          SignatureScheme scheme = SignatureScheme::ecdsa, HashAlg hash = HashAlg::sha256) {
    auto d = digest();
    d.size = static_cast<std::uint8_t>(crypto::digest_size(hash));
    const auto signature = engine_->sign_digest(who, use, scheme, hash, d);
    return signature ? ServiceError{} : signature.error().error;
  }
  std::filesystem::path file_of(std::string_view text) { return folder_ / "keys" / file_name_of(name(text)); }

  static constexpr ServiceError kNone{};
  test_support::TemporaryFolder folder_;
  std::shared_ptr<Sealer> sealer_ = keystore_software::make_volatile_root_key();
  std::mutex audit_mutex_;
  std::vector<std::string> audit_;
  std::unique_ptr<Engine> engine_;
};

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

class TwoBackends : public EngineTest {
 protected:
  TwoBackends() {
    engine_.reset();
    auto with_two = config();
    with_two.backends.push_back(keystore_software::make_software_backend("spare"));
    engine_ = Engine::open(std::move(with_two)).value();
  }
  std::string backend_of(std::string_view text) { return engine_->info(kCamera, name(text)).value().backend; }
};

// AX-3.1-3: several modules at once.
TEST_F(TwoBackends, NewKeysGoWhereTheCallerOrTheOrderSays) {
  const auto policy = default_policy(KeyType::ec_p256, Purpose::media_signing);
  ASSERT_TRUE(engine_->generate(kManager, name("camera/a"), KeyType::ec_p256, policy));
  ASSERT_TRUE(engine_->generate(kManager, name("camera/b"), KeyType::ec_p256, policy, "spare"));
  EXPECT_EQ(engine_->generate(kManager, name("camera/c"), KeyType::ec_p256, policy, "none").error().error,
            ServiceError::usage);
  EXPECT_EQ(backend_of("camera/a"), "software");
  EXPECT_EQ(backend_of("camera/b"), "spare");
  EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone);
  EXPECT_EQ(sign_error(kCamera, signing("camera/b")), kNone);
  const auto a = name("camera/a");
  const auto b = name("camera/b");
  EXPECT_EQ(engine_->lane_of(Operation::sign_digest, &a, {}), 0u);
  EXPECT_EQ(engine_->lane_of(Operation::sign_digest, &b, {}), 1u);
  EXPECT_EQ(engine_->lane_of(Operation::generate, &a, "spare"), 1u);
  EXPECT_EQ(engine_->lane_of(Operation::generate, &a, {}), 0u);
  EXPECT_EQ(engine_->backends().size(), 2u);
}

TEST_F(TwoBackends, AKeyFileNamesItsBackendAndIsNotUsedByAnother) {
  ASSERT_TRUE(engine_->generate(kManager, name("camera/b"), KeyType::ec_p256,
                                default_policy(KeyType::ec_p256, Purpose::media_signing), "spare"));
  reopen();  // without "spare"
  EXPECT_EQ(sign_error(kCamera, signing("camera/b")), ServiceError::damaged);
  EXPECT_EQ(engine_->counts(kCamera).value().damaged.size(), 1u);
}

TEST_F(TwoBackends, TwoOfOneNameAreRefused) {
  auto twice = config();
  twice.backends.push_back(keystore_software::make_software_backend("software"));
  EXPECT_FALSE(Engine::open(std::move(twice)));
  auto badly_named = config();
  badly_named.backends = {keystore_software::make_software_backend("../x")};
  EXPECT_FALSE(Engine::open(std::move(badly_named)));
}

TEST_F(TwoBackends, AMovedKeyIsTheSameKeyAndSaysThatItWasOutside) {
  make_key("camera/a");
  const auto before = engine_->info(kCamera, name("camera/a")).value();
  const auto spki = engine_->public_key(kCamera, name("camera/a")).value();
  const auto moved = engine_->move(kManager, name("camera/a"), "spare", keystore::MoveMode::same_key);
  ASSERT_TRUE(moved) << moved.error().why;
  EXPECT_EQ(moved->backend, "spare");
  EXPECT_EQ(moved->origin, keystore::Origin::imported);  // NA-2.3-2
  EXPECT_EQ(moved->policy, before.policy);
  EXPECT_EQ(engine_->public_key(kCamera, name("camera/a")).value(), spki);
  EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone);
  // There already: nothing happens.
  EXPECT_TRUE(engine_->move(kManager, name("camera/a"), "spare", keystore::MoveMode::same_key));
}

TEST_F(TwoBackends, MovingIsTheManagersAndToBackendsThatAreThere) {
  make_key("camera/a");
  const auto error = [&](const Caller& who, std::string_view key, std::string_view to) {
    return engine_->move(who, name(key), to, keystore::MoveMode::same_key).error().error;
  };
  EXPECT_EQ(error(kCamera, "camera/a", "spare"), ServiceError::denied);
  EXPECT_EQ(error(kStranger, "camera/a", "spare"), ServiceError::denied);
  EXPECT_EQ(error(kManager, "camera/a", "none"), ServiceError::usage);
  EXPECT_EQ(error(kManager, "camera/none", "spare"), ServiceError::not_found);
}

TEST_F(TwoBackends, ANewKeyUnderTheNameIsAnotherKeyAndNeverForData) {
  make_key("camera/a");
  const auto spki = engine_->public_key(kCamera, name("camera/a")).value();
  const auto moved = engine_->move(kManager, name("camera/a"), "spare", keystore::MoveMode::new_key);
  ASSERT_TRUE(moved) << moved.error().why;
  EXPECT_EQ(moved->origin, keystore::Origin::generated_inside);
  EXPECT_NE(engine_->public_key(kCamera, name("camera/a")).value(), spki);
  EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone);
  ASSERT_TRUE(engine_->generate(kManager, name("camera/data"), KeyType::aes_256,
                                default_policy(KeyType::aes_256, Purpose::data_encryption)));
  EXPECT_EQ(engine_->move(kManager, name("camera/data"), "spare", keystore::MoveMode::new_key).error().error,
            ServiceError::unsupported);
  EXPECT_TRUE(engine_->move(kManager, name("camera/data"), "spare", keystore::MoveMode::same_key));
}

TEST_F(TwoBackends, MovingBackAndForthIsNotNoticedByThoseWhoSign) {
  make_key("camera/a");
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::atomic<int> signatures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        failed += sign_error(kCamera, signing("camera/a")) == kNone ? 0 : 1;
        ++signatures;
      }
    });
  }
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(engine_->move(kManager, name("camera/a"), i % 2 == 0 ? "spare" : "software",
                              keystore::MoveMode::same_key));
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_GT(signatures, 0);
}

// A power cut at each step of a move: the name has the old key or the new one, never none.
TEST_F(TwoBackends, SurviveAnEndAtEveryStepOfAMove) {
  make_key("camera/a");
  int ends = 0;
  for (int last_step = 1; last_step < 50; ++last_step) {
    engine_.reset();
    const pid_t child = ::fork();
    if (child == 0) {
      int step = 0;
      auto with_end = config();
      with_end.backends.push_back(keystore_software::make_software_backend("spare"));
      with_end.step = [&](std::string_view) {
        if (++step == last_step) ::raise(SIGKILL);
      };
      const auto engine = Engine::open(std::move(with_end)).value();
      const auto now = engine->info(kCamera, name("camera/a")).value().backend;
      const bool moved = engine
                             ->move(kManager, name("camera/a"), now == "spare" ? "software" : "spare",
                                    keystore::MoveMode::same_key)
                             .has_value();
      ::_exit(moved ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    auto with_two = config();
    with_two.backends.push_back(keystore_software::make_software_backend("spare"));
    engine_ = Engine::open(std::move(with_two)).value();
    EXPECT_TRUE(engine_->counts(kCamera).value().damaged.empty()) << last_step;
    EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone) << last_step;
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ++ends;
  }
  EXPECT_EQ(ends, 7);
}

// The process ends at each step that generate, import and remove make on disk: what was reported is true
// afterwards.
TEST_F(EngineTest, SurvivesAnEndAtEveryStepOfEveryChange) {
  const Secret known(Bytes(32, 0x4b));
  const auto mac_policy = default_policy(KeyType::hmac_sha256, Purpose::mac);
  bool finished = false;
  int ends = 0;
  for (int last_step = 1; last_step < 200 && !finished; ++last_step) {
    engine_.reset();
    std::filesystem::remove_all(folder_ / "keys");
    reopen();
    make_key("camera/old");
    engine_.reset();
    int report[2];
    ASSERT_EQ(::pipe(report), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      int step = 0;
      auto with_end = config();
      with_end.step = [&](std::string_view) {
        if (++step == last_step) ::raise(SIGKILL);
      };
      const auto engine = Engine::open(std::move(with_end)).value();
      const auto tell = [&](char what) { [[maybe_unused]] const auto n = ::write(report[1], &what, 1); };
      if (engine->generate(kManager, name("camera/new"), KeyType::ec_p256,
                           default_policy(KeyType::ec_p256, Purpose::media_signing)))
        tell('g');
      if (engine->import_key(kManager, name("camera/mac"), KeyType::hmac_sha256, mac_policy, known))
        tell('i');
      if (engine->remove(kManager, name("camera/old"))) tell('r');
      ::_exit(0);
    }
    ::close(report[1]);
    int status = 0;
    ::waitpid(child, &status, 0);
    std::string told(8, '\0');
    const auto count = ::read(report[0], told.data(), told.size());
    told.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    ::close(report[0]);
    finished = WIFEXITED(status);
    ends += finished ? 0 : 1;

    reopen();
    EXPECT_TRUE(engine_->counts(kCamera).value().damaged.empty()) << last_step;
    if (told.find('g') != std::string::npos) {
      EXPECT_EQ(sign_error(kCamera, signing("camera/new")), kNone) << last_step;
    }
    if (told.find('i') != std::string::npos) {
      EXPECT_TRUE(engine_->mac(kCamera, {name("camera/mac"), Purpose::mac}, {})) << last_step;
    }
    EXPECT_EQ(sign_error(kCamera, signing("camera/old")) == kNone,
              told.find('r') == std::string::npos && engine_->info(kCamera, name("camera/old")).has_value())
        << last_step;
    if (told.find('r') != std::string::npos) {
      EXPECT_EQ(sign_error(kCamera, signing("camera/old")), ServiceError::not_found);
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "keys")) {
      EXPECT_TRUE(key_name_of(entry.path().filename().string())) << entry.path();  // no half files
    }
  }
  EXPECT_TRUE(finished);
  EXPECT_EQ(ends, 7 + 7 + 3);
}

}  // namespace
}  // namespace camvault::keystore_engine

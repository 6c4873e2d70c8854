// Every operation, through the socket of a real daemon. SP-4.2.11, IP-3-1.
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "camvault/attestation/check.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/local_key.h"
#include "test_daemon.h"

namespace camvault::keystored {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::default_policy;
using keystore::KeyType;
using keystore::KeyUse;
using keystore::Origin;
using keystore::Purpose;

const std::unique_ptr<crypto::Engine> openssl = crypto_openssl::make_openssl_engine();

class Operations : public KeystoredTest {};

TEST_F(Operations, SignaturesOfEveryKeyTypeSchemeAndHashVerifyElsewhere) {
  const auto message = as_bytes("what the camera saw");
  for (const auto type : keystore::kAllKeyTypes) {
    const auto alg = keystore::key_alg_of(type);
    if (!alg) continue;
    const auto policy = default_policy(type, Purpose::media_signing);
    const auto name = key_name("camera/" + std::string(to_string(type)));
    const auto info = keystore_->generate(name, type, policy);
    ASSERT_TRUE(info) << to_string(type) << ": " << info.error().what;
    EXPECT_EQ(info->origin, Origin::generated_inside);
    EXPECT_EQ(info->policy.uids, (std::vector<std::uint32_t>{::geteuid()}));
    const KeyUse use{name, Purpose::media_signing};
    const auto spki = keystore_->public_key(name).value();
    const auto key = openssl->public_key_from_spki(spki).value();
    EXPECT_EQ(key->alg(), *alg);
    for (const auto scheme :
         {SignatureScheme::ecdsa, SignatureScheme::rsa_pss, SignatureScheme::rsa_pkcs1v15}) {
      if (!policy.schemes.contains(scheme)) continue;
      for (const auto hash : {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512}) {
        const auto digest = openssl->digest(hash, message);
        const auto one = keystore_->sign_digest(use, scheme, digest, hash).value();
        const auto two = keystore_->sign_message(use, scheme, message, hash).value();
        EXPECT_TRUE(key->verify_digest(scheme, hash, digest, one)) << to_string(type) << to_string(scheme);
        EXPECT_TRUE(key->verify_digest(scheme, hash, digest, two));
      }
    }
    if (type == KeyType::ed25519) {
      const auto signature =
          keystore_->sign_message(use, SignatureScheme::ed25519, message, HashAlg::sha512).value();
      EXPECT_TRUE(key->verify_message(message, signature));
      const auto digest = openssl->digest(HashAlg::sha512, message);
      EXPECT_EQ(keystore_->sign_digest(use, SignatureScheme::ed25519, digest, HashAlg::sha512).error().code,
                Errc::unsupported);
    }
  }
}

TEST_F(Operations, SigningKeysSignSoonerOrLaterAndOutliveTheirKeystore) {
  const auto name = key_name("camera/media");
  ASSERT_TRUE(
      keystore_->generate(name, KeyType::ec_p256, default_policy(KeyType::ec_p256, Purpose::media_signing)));
  const auto key = keystore_->signing_key({name, Purpose::media_signing}).value();
  keystore_.reset();
  EXPECT_EQ(key->alg(), crypto::KeyAlg::ec_p256);
  const auto verifier = openssl->public_key_from_spki(key->spki_der()).value();
  const auto digest = openssl->digest(HashAlg::sha256, as_bytes("GOP 1"));
  EXPECT_TRUE(verifier->verify_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest,
                                      key->sign(SignatureScheme::ecdsa, HashAlg::sha256, digest).value()));
  EXPECT_EQ(key->sign_message(as_bytes("x")).error().code, Errc::usage);

  // More than the service takes at a time (64), from four threads.
  constexpr int kThreads = 4;
  constexpr int kEach = 250;
  std::mutex mutex;
  std::condition_variable changed;
  int good = 0;
  int bad = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const auto gop =
            openssl->digest(HashAlg::sha256, as_bytes(std::to_string(t) + "/" + std::to_string(i)));
        key->sign_async(SignatureScheme::ecdsa, HashAlg::sha256, gop, [&, gop](Result<Bytes> signature) {
          const bool ok =
              signature && verifier->verify_digest(SignatureScheme::ecdsa, HashAlg::sha256, gop, *signature);
          const std::lock_guard lock(mutex);
          (ok ? good : bad) += 1;
          changed.notify_one();
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::unique_lock lock(mutex);
  ASSERT_TRUE(
      changed.wait_for(lock, std::chrono::seconds(60), [&] { return good + bad == kThreads * kEach; }));
  EXPECT_EQ(bad, 0);
}

TEST_F(Operations, AsyncRequestsAreAnsweredWhenTheServiceEndsAndTheNextOneConnectsAgain) {
  const auto name = key_name("camera/media");
  ASSERT_TRUE(
      keystore_->generate(name, KeyType::ec_p256, default_policy(KeyType::ec_p256, Purpose::media_signing)));
  const auto key = keystore_->signing_key({name, Purpose::media_signing}).value();
  const auto digest = openssl->digest(HashAlg::sha256, as_bytes("GOP"));
  ASSERT_TRUE(WIFEXITED(daemon_.stop()));
  EXPECT_EQ(key->sign(SignatureScheme::ecdsa, HashAlg::sha256, digest).error().code, Errc::unavailable);
  std::promise<Errc> promise;
  key->sign_async(SignatureScheme::ecdsa, HashAlg::sha256, digest, [&](Result<Bytes> signature) {
    promise.set_value(signature ? Errc::internal : signature.error().code);
  });
  EXPECT_EQ(promise.get_future().get(), Errc::unavailable);
  ASSERT_TRUE(daemon_.start()) << daemon_.log();
  EXPECT_TRUE(key->sign(SignatureScheme::ecdsa, HashAlg::sha256, digest));
  std::promise<bool> again;
  key->sign_async(SignatureScheme::ecdsa, HashAlg::sha256, digest,
                  [&](Result<Bytes> s) { again.set_value(s.has_value()); });
  EXPECT_TRUE(again.get_future().get());
}

TEST_F(Operations, DropsTheLastKeyInsideItsOwnCallback) {
  const auto name = key_name("camera/media");
  ASSERT_TRUE(
      keystore_->generate(name, KeyType::ec_p256, default_policy(KeyType::ec_p256, Purpose::media_signing)));
  auto key = keystore_->signing_key({name, Purpose::media_signing}).value();
  keystore_.reset();
  std::promise<bool> promise;
  auto* raw = key.get();
  raw->sign_async(SignatureScheme::ecdsa, HashAlg::sha256, openssl->digest(HashAlg::sha256, {}),
                  [&promise, keep = std::move(key)](Result<Bytes> s) { promise.set_value(s.has_value()); });
  EXPECT_TRUE(promise.get_future().get());
}

TEST_F(Operations, EncryptsForItselfOnly) {
  const KeyUse one{key_name("camera/content"), Purpose::data_encryption};
  const KeyUse two{key_name("camera/other"), Purpose::data_encryption};
  for (const auto& use : {one, two}) {
    ASSERT_TRUE(keystore_->generate(use.key, KeyType::aes_256,
                                    default_policy(KeyType::aes_256, Purpose::data_encryption)));
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{1000}, keystore::kMaxMessage - 100}) {
    const Bytes plain(size, 0x5a);
    const auto sealed = keystore_->encrypt(one, plain, as_bytes("frame 7")).value();
    EXPECT_EQ(sealed.size(), size + 28);
    EXPECT_TRUE(keystore_->decrypt(one, sealed, as_bytes("frame 7")).value().equals(plain));
    EXPECT_NE(sealed, keystore_->encrypt(one, plain, as_bytes("frame 7")).value());  // another nonce
    auto changed = sealed;
    changed.back() ^= 1;
    EXPECT_EQ(keystore_->decrypt(one, changed, as_bytes("frame 7")).error().code, Errc::invalid);
    EXPECT_EQ(keystore_->decrypt(one, sealed, as_bytes("frame 8")).error().code, Errc::invalid);
    EXPECT_EQ(keystore_->decrypt(two, sealed, as_bytes("frame 7")).error().code, Errc::invalid);
    EXPECT_EQ(keystore_->decrypt(one, BytesView(sealed).first(27), as_bytes("frame 7")).error().code,
              Errc::invalid);
  }
  EXPECT_EQ(keystore_->encrypt(one, Bytes(keystore::kMaxMessage + 1), {}).error().code, Errc::limit);
  EXPECT_EQ(keystore_->public_key(one.key).error().code, Errc::unsupported);
}

// AX-4.1-3, NA-2.3-1: through the socket, and with keys of the caller alone.
TEST_F(Operations, StatesWhereAKeyLives) {
  const auto make = [&](const char* name, Purpose purpose) {
    return keystore_->generate(key_name(name), KeyType::ec_p256, default_policy(KeyType::ec_p256, purpose))
        .has_value();
  };
  ASSERT_TRUE(make("camera/attested", Purpose::media_signing));
  ASSERT_TRUE(make("camera/attestation", Purpose::attestation));
  const Bytes nonce(16, 0x42);
  const auto evidence = keystore_->attest(key_name("camera/attested"), key_name("camera/attestation"), nonce);
  ASSERT_TRUE(evidence) << evidence.error().what;
  const auto engine = crypto_openssl::make_openssl_engine();
  const auto spki = keystore_->public_key(key_name("camera/attested")).value();
  const auto attester =
      engine->digest(crypto::HashAlg::sha256, keystore_->public_key(key_name("camera/attestation")).value());
  const auto found = attestation::check(*engine, {attestation::kKeystored, *evidence, spki, nonce, attester});
  EXPECT_EQ(found.standing, attestation::Standing::vouched) << found.reason;
  EXPECT_EQ(found.statement->origin, attestation::KeyOrigin::generated_inside);
  EXPECT_EQ(keystore_->attest(key_name("camera/attested"), key_name("camera/attested"), nonce).error().code,
            Errc::denied);
  EXPECT_EQ(
      keystore_->attest(key_name("camera/attested"), key_name("camera/attestation"), Bytes(7)).error().code,
      Errc::usage);
  EXPECT_EQ(keystore_->attest(key_name("factory/x"), key_name("camera/attestation"), nonce).error().code,
            Errc::denied);
}

TEST_F(Operations, ImportsKnownKeysAndMarksThem) {
  // The expected tag is what `openssl dgst -sha256 -mac HMAC` prints for 32 bytes of 0x0b (RFC 4231 has 20 of
  // them).
  const Secret key(Bytes(32, 0x0b));
  const KeyUse mac{key_name("camera/mac"), Purpose::mac};
  const auto info = keystore_->import_key(mac.key, KeyType::hmac_sha256,
                                          default_policy(KeyType::hmac_sha256, Purpose::mac), key);
  ASSERT_TRUE(info) << info.error().what;
  EXPECT_EQ(info->origin, Origin::imported);
  EXPECT_EQ(to_hex(keystore_->mac(mac, as_bytes("Hi There")).value()),
            "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");

  // The factory's provisioner puts keys in, and cannot use them.
  const auto provisioned = keystore_->import_key(key_name("factory/mac"), KeyType::hmac_sha256,
                                                 default_policy(KeyType::hmac_sha256, Purpose::mac), key);
  ASSERT_TRUE(provisioned) << provisioned.error().what;
  EXPECT_EQ(provisioned->origin, Origin::trust_provisioned);
  EXPECT_EQ(keystore_->mac({key_name("factory/mac"), Purpose::mac}, {}).error().code, Errc::denied);
  EXPECT_EQ(keystore_
                ->import_key(key_name("sealed/mac"), KeyType::hmac_sha256,
                             default_policy(KeyType::hmac_sha256, Purpose::mac), key)
                .error()
                .code,
            Errc::denied);

  for (const std::size_t size : {0u, 16u, 31u, 65u}) {
    EXPECT_EQ(keystore_
                  ->import_key(key_name("camera/bad"), KeyType::hmac_sha256,
                               default_policy(KeyType::hmac_sha256, Purpose::mac), Secret(Bytes(size)))
                  .error()
                  .code,
              Errc::invalid);
  }
  EXPECT_EQ(keystore_
                ->import_key(key_name("camera/bad"), KeyType::aes_256,
                             default_policy(KeyType::aes_256, Purpose::data_encryption), Secret(Bytes(31)))
                .error()
                .code,
            Errc::invalid);
  EXPECT_EQ(keystore_
                ->import_key(key_name("camera/bad"), KeyType::ec_p256,
                             default_policy(KeyType::ec_p256, Purpose::tls), Secret(Bytes(100)))
                .error()
                .code,
            Errc::invalid);
}

TEST_F(Operations, ListsPagesOfManyKeysAndForgetsRemovedOnes) {
  constexpr int kKeys = 150;  // more than a page
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_TRUE(keystore_->generate(key_name("camera/mac-" + std::to_string(1000 + i)), KeyType::hmac_sha256,
                                    default_policy(KeyType::hmac_sha256, Purpose::mac)));
  }
  auto keys = keystore_->list().value();
  ASSERT_EQ(keys.size(), std::size_t{kKeys});
  EXPECT_EQ(keys.front().name.text(), "camera/mac-1000");
  EXPECT_EQ(keys.back().name.text(), "camera/mac-1149");
  ASSERT_TRUE(keystore_->remove(key_name("camera/mac-1075")));
  EXPECT_EQ(keystore_->remove(key_name("camera/mac-1075")).error().code, Errc::not_found);
  EXPECT_EQ(keystore_->info(key_name("camera/mac-1075")).error().code, Errc::not_found);
  EXPECT_EQ(keystore_->mac({key_name("camera/mac-1075"), Purpose::mac}, {}).error().code, Errc::not_found);
  EXPECT_EQ(keystore_->list().value().size(), std::size_t{kKeys - 1});
  EXPECT_EQ(keystore_
                ->generate(key_name("camera/mac-1000"), KeyType::hmac_sha256,
                           default_policy(KeyType::hmac_sha256, Purpose::mac))
                .error()
                .code,
            Errc::exists);
  EXPECT_EQ(keystore_->status().value().keys, std::uint64_t{kKeys - 1});
}

TEST_F(Operations, GivesRandomNumbers) {
  const auto one = keystore_->random(32).value();
  EXPECT_EQ(one.size(), 32u);
  EXPECT_NE(one, keystore_->random(32).value());
  EXPECT_EQ(keystore_->random(4096).value().size(), 4096u);
  EXPECT_FALSE(keystore_->random(4097));
  EXPECT_FALSE(keystore_->random(0));
}

TEST_F(Operations, StatusSaysWhatProtectsAndWhatDoesNot) {
  const auto status = keystore_->status().value();
  EXPECT_FALSE(status.version.empty());
  ASSERT_EQ(status.backends.size(), 1u);
  EXPECT_EQ(status.backends[0].name, "software");
  EXPECT_EQ(status.backends[0].key_types.size(), 12u);
  EXPECT_NE(status.backends[0].protection.find("no stronger"), std::string::npos);
  EXPECT_NE(status.root_key.find("does not protect"), std::string::npos);
  std::vector<std::string> names;
  for (const auto& mechanism : status.mechanisms) {
    names.push_back(mechanism.name);
    EXPECT_FALSE(mechanism.detail.empty()) << mechanism.name;
    std::printf("%-18s %-7s %s\n", mechanism.name.c_str(), mechanism.active ? "active" : "MISSING",
                mechanism.detail.c_str());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"no_core_dumps", "locked_memory", "locked_keys", "own_uid",
                                             "capabilities", "undumpable", "no_new_privileges", "landlock",
                                             "seccomp"}));
}

TEST_F(Operations, KeysAreStillThereAfterARestart) {
  const KeyUse use{key_name("camera/media"), Purpose::media_signing};
  ASSERT_TRUE(keystore_->generate(use.key, KeyType::ec_p256,
                                  default_policy(KeyType::ec_p256, Purpose::media_signing)));
  const auto spki = keystore_->public_key(use.key).value();
  const int status = daemon_.stop();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << daemon_.log();
  ASSERT_TRUE(daemon_.start());
  EXPECT_EQ(keystore_->public_key(use.key).value(), spki);
  const auto digest = openssl->digest(HashAlg::sha256, as_bytes("x"));
  const auto signature = keystore_->sign_digest(use, SignatureScheme::ecdsa, digest, HashAlg::sha256).value();
  EXPECT_TRUE(openssl->public_key_from_spki(spki).value()->verify_digest(SignatureScheme::ecdsa,
                                                                         HashAlg::sha256, digest, signature));
}

}  // namespace
}  // namespace camvault::keystored

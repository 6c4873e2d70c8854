#include "camvault/crypto_openssl/local_key.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "camvault/crypto_openssl/engine.h"

namespace camvault::crypto_openssl {
namespace {

using namespace std::chrono_literals;
using crypto::HashAlg;
using crypto::KeyAlg;
using crypto::SignatureScheme;

crypto::Digest digest() {
  return make_openssl_engine()->digest(HashAlg::sha256, as_bytes("message"));
}

TEST(LocalKey, ASlowKeyDoesNotHoldItsCaller) {
  const auto key = LocalKey::generate(KeyAlg::ec_p256, {.delay = 250ms}).value();
  std::promise<Result<Bytes>> answer;
  const auto begin = std::chrono::steady_clock::now();
  key->sign_async(SignatureScheme::ecdsa, HashAlg::sha256, digest(),
                  [&](Result<Bytes> s) { answer.set_value(std::move(s)); });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 100ms);
  const auto signature = answer.get_future().get();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 250ms);
  const auto verifier = make_openssl_engine()->public_key_from_spki(key->spki_der()).value();
  EXPECT_TRUE(verifier->verify_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest(), signature.value()));
}

TEST(LocalKey, WorkersSignSideBySide) {
  const auto key = LocalKey::generate(KeyAlg::ec_p256, {.delay = 100ms, .workers = 8}).value();
  std::atomic<int> done = 0;
  std::promise<void> all;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 8; ++i) {
    key->sign_async(SignatureScheme::ecdsa, HashAlg::sha256, digest(), [&](const Result<Bytes>& s) {
      EXPECT_TRUE(s);
      if (++done == 8) all.set_value();
    });
  }
  all.get_future().get();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 800ms);
}

TEST(LocalKey, WithoutWorkersTheAnswerIsThereAtOnce) {
  const auto key = LocalKey::generate(KeyAlg::ec_p256).value();
  bool answered = false;
  key->sign_async(SignatureScheme::ecdsa, HashAlg::sha256, digest(),
                  [&](const Result<Bytes>& s) { answered = s.has_value(); });
  EXPECT_TRUE(answered);
}

TEST(LocalKey, EveryRequestIsAnsweredOnceEvenWhenTheKeyGoes) {
  std::atomic<int> answers = 0;
  std::atomic<int> unavailable = 0;
  const auto begin = std::chrono::steady_clock::now();
  {
    const auto key = LocalKey::generate(KeyAlg::ec_p256, {.delay = 10s, .workers = 2}).value();
    for (int i = 0; i < 5; ++i) {
      key->sign_async(SignatureScheme::ecdsa, HashAlg::sha256, digest(), [&](const Result<Bytes>& s) {
        ++answers;
        if (!s && s.error().code == Errc::unavailable) ++unavailable;
      });
    }
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(answers, 5);
  EXPECT_EQ(unavailable, 5);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(LocalKey, WrongUseIsRefused) {
  const auto key = LocalKey::generate(KeyAlg::ec_p256).value();
  EXPECT_EQ(key->sign(SignatureScheme::rsa_pss, HashAlg::sha256, digest()).error().code, Errc::unsupported);
  EXPECT_EQ(key->sign(SignatureScheme::ecdsa, HashAlg::sha384, digest()).error().code, Errc::usage);
  EXPECT_EQ(key->sign(SignatureScheme::ecdsa, HashAlg::sha256, {}).error().code, Errc::usage);
}

TEST(LocalKey, GoesThroughPem) {
  for (const auto alg : {KeyAlg::ec_p256, KeyAlg::rsa_2048, KeyAlg::ed25519}) {
    const auto key = LocalKey::generate(alg).value();
    const auto again =
        key->private_pem_for_tests().reveal([](BytesView pem) { return LocalKey::from_pem(as_text(pem)); });
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->spki_der(), key->spki_der());
    EXPECT_EQ((*again)->alg(), alg);
  }
  EXPECT_EQ(LocalKey::from_pem("").error().code, Errc::malformed);
  EXPECT_EQ(LocalKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").error().code,
            Errc::malformed);
  EXPECT_EQ(LocalKey::from_pem(std::string(70'000, ' ')).error().code, Errc::limit);
}

}  // namespace
}  // namespace camvault::crypto_openssl

#include <gtest/gtest.h>

#include <thread>

#include "camvault/crypto/key.h"

namespace camvault::crypto {
namespace {

enum class Behaviour { answers_at_once, answers_later, refuses, drops };

// The blocking wrapper is what is under test; this key has no cryptography.
class ScriptedKey final : public SigningKey {
 public:
  explicit ScriptedKey(Behaviour behaviour) : behaviour_(behaviour) {}
  KeyAlg alg() const override { return KeyAlg::ec_p256; }
  Bytes spki_der() const override { return {}; }
  Result<Bytes> sign_message(BytesView) override { return fail(Errc::unsupported, "digests only"); }
  void sign_async(SignatureScheme, HashAlg, const Digest& digest, Done done) override {
    if (behaviour_ == Behaviour::answers_at_once) return done(to_bytes(digest.view()));
    if (behaviour_ == Behaviour::refuses) return done(fail(Errc::denied, "policy"));
    if (behaviour_ == Behaviour::drops) return;
    worker_ = std::jthread([digest, done = std::move(done)] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      done(to_bytes(digest.view()));
    });
  }

 private:
  Behaviour behaviour_;
  std::jthread worker_;
};

Digest some_digest() {
  Digest digest;
  digest.size = 32;
  digest.bytes[31] = 7;
  return digest;
}

TEST(SigningKey, WaitsForTheAnswerWhereverItComesFrom) {
  for (const auto behaviour : {Behaviour::answers_at_once, Behaviour::answers_later}) {
    ScriptedKey key(behaviour);
    const auto signature = key.sign(SignatureScheme::ecdsa, HashAlg::sha256, some_digest());
    ASSERT_TRUE(signature);
    EXPECT_TRUE(equal(*signature, some_digest().view()));
  }
}

TEST(SigningKey, PassesARefusalOn) {
  ScriptedKey key(Behaviour::refuses);
  EXPECT_EQ(key.sign(SignatureScheme::ecdsa, HashAlg::sha256, some_digest()).error().code, Errc::denied);
}

TEST(SigningKey, ADroppedRequestIsAnErrorNotAHang) {
  ScriptedKey key(Behaviour::drops);
  EXPECT_EQ(key.sign(SignatureScheme::ecdsa, HashAlg::sha256, some_digest()).error().code, Errc::internal);
}

}  // namespace
}  // namespace camvault::crypto

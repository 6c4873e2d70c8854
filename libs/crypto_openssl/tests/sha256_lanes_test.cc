// Several messages at a time give what one at a time gives, whatever their lengths and order.
#include "sha256_lanes.h"

#include <gtest/gtest.h>

#include <random>

#include "camvault/crypto_openssl/engine.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::HashAlg;

TEST(Sha256Lanes, EveryLengthBesideEveryOtherKind) {
  if (!has_sha256_lanes())
    GTEST_SKIP() << "this processor has no SHA instructions: batches are hashed one by one";
  const auto engine = make_openssl_engine();
  std::mt19937 random(1);
  Bytes pool(5000);
  for (auto& byte : pool) byte = static_cast<std::uint8_t>(random());
  for (int round = 0; round < 300; ++round) {
    std::vector<BytesView> messages;
    for (std::size_t i = random() % 40; i > 0; --i) {
      const auto length = random() % 3 == 0 ? random() % 4000 : random() % 200;
      messages.push_back(BytesView(pool).subspan(random() % 1000, length));
    }
    std::vector<crypto::Digest> digests(messages.size());
    sha256_lanes(messages, digests);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      ASSERT_EQ(digests[i], engine->digest(HashAlg::sha256, messages[i]))
          << round << " message of " << messages[i].size();
    }
  }
  for (std::size_t length = 0; length < 260; ++length) {
    const std::vector<BytesView> messages{
        BytesView(pool).first(length), BytesView(pool).subspan(1, 259 - length), {}};
    std::vector<crypto::Digest> digests(3);
    sha256_lanes(messages, digests);
    for (std::size_t i = 0; i < 3; ++i)
      ASSERT_EQ(digests[i], engine->digest(HashAlg::sha256, messages[i])) << length;
  }
}

TEST(Sha256Lanes, KnownAnswers) {
  if (!has_sha256_lanes())
    GTEST_SKIP() << "this processor has no SHA instructions: batches are hashed one by one";
  // FIPS 180-4 examples: "abc" and the empty message.
  const std::vector<BytesView> messages{as_bytes("abc"), {}};
  std::vector<crypto::Digest> digests(2);
  sha256_lanes(messages, digests);
  EXPECT_EQ(to_hex(digests[0].view()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(digests[1].view()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace camvault::crypto_openssl

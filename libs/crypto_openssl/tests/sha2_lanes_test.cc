// Messages side by side give what one at a time gives, in every way that this processor can, whatever their
// lengths and order.
#include "sha2_lanes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "camvault/crypto_openssl/engine.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::HashAlg;

constexpr HashAlg kAll[] = {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512};

Bytes random_bytes(std::mt19937& random, std::size_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

class Sha2Lanes : public testing::TestWithParam<std::tuple<Lanes, HashAlg>> {
 protected:
  void SetUp() override {
    if (!supports(way_, alg_)) GTEST_SKIP() << "not on this processor: " << to_string(way_);
  }
  void expect_same(const std::vector<BytesView>& messages, const std::string& what) {
    std::vector<crypto::Digest> digests(messages.size());
    sha2_lanes(way_, alg_, messages, digests);
    for (std::size_t i = 0; i < messages.size(); ++i)
      ASSERT_EQ(digests[i], engine_->digest(alg_, messages[i]))
          << what << ", message of " << messages[i].size();
  }

  const Lanes way_ = std::get<0>(GetParam());
  const HashAlg alg_ = std::get<1>(GetParam());
  const std::unique_ptr<crypto::Engine> engine_ = make_openssl_engine();
};

TEST_P(Sha2Lanes, EveryLengthAlone) {
  std::mt19937 random(1);
  const auto pool = random_bytes(random, 700);
  for (std::size_t length = 0; length <= 600; ++length)
    expect_same({BytesView(pool).subspan(1, length)}, "alone");
}

TEST_P(Sha2Lanes, EveryLengthBesideOthers) {
  std::mt19937 random(2);
  const auto pool = random_bytes(random, 700);
  std::vector<BytesView> messages;
  for (std::size_t length = 0; length <= 600; ++length)
    messages.push_back(BytesView(pool).subspan(length % 64, length));
  expect_same(messages, "ascending");
  std::shuffle(messages.begin(), messages.end(), random);
  expect_same(messages, "shuffled");
  for (std::size_t length = 0; length <= 300; ++length) {
    const std::vector<BytesView> equal(1 + length % 40, BytesView(pool).first(length));
    expect_same(equal, "equal");
  }
}

TEST_P(Sha2Lanes, AnyBatch) {
  std::mt19937 random(3);
  const auto pool = random_bytes(random, 70'000);
  for (int round = 0; round < 300; ++round) {
    std::vector<BytesView> messages;
    for (std::size_t i = random() % 60; i > 0; --i) {
      const auto kind = random() % 8;  // few long ones among many short ones, as in a group of pictures
      const auto length = kind == 0 ? random() % 60'000 : kind < 4 ? random() % 4000 : random() % 200;
      messages.push_back(BytesView(pool).subspan(random() % 5000, length));
    }
    expect_same(messages, "round " + std::to_string(round));
  }
}

// More than what is put in order at a time.
TEST_P(Sha2Lanes, ManyMessages) {
  std::mt19937 random(4);
  const auto pool = random_bytes(random, 3000);
  std::vector<BytesView> messages;
  for (int i = 0; i < 5000; ++i) messages.push_back(BytesView(pool).first(random() % 3000));
  expect_same(messages, "many");
}

// Messages that come one after the other, in any number at a time, and lanes that are left half done.
TEST_P(Sha2Lanes, OneAfterTheOther) {
  std::mt19937 random(5);
  const auto pool = random_bytes(random, 70'000);
  for (int round = 0; round < 200; ++round) {
    std::vector<BytesView> messages;
    for (std::size_t i = random() % 80; i > 0; --i) {
      const auto kind = random() % 8;
      const auto length = kind == 0 ? random() % 60'000 : kind < 4 ? random() % 4000 : random() % 200;
      messages.push_back(BytesView(pool).subspan(random() % 5000, length));
    }
    std::vector<crypto::Digest> digests(messages.size());
    std::atomic<std::size_t> left = messages.size();
    const auto lanes = stream_lanes(way_, alg_);
    std::size_t given = 0;
    while (left > 0) {
      for (auto some = random() % 20; some > 0 && given < messages.size() && lanes->room() > 0;
           --some, ++given)
        lanes->give(messages[given], digests[given], left);
      if (lanes->idle()) continue;
      const auto before = left.load();
      lanes->advance();
      ASSERT_LT(left, before) << "advancing ends a message";
    }
    EXPECT_TRUE(lanes->idle());
    for (std::size_t i = 0; i < messages.size(); ++i)
      ASSERT_EQ(digests[i], engine_->digest(alg_, messages[i])) << "round " << round << ", message " << i;
    if (!messages.empty()) {
      left = 1;
      lanes->give(messages.front(), digests.front(), left);  // and is forgotten
    }
  }
}

std::string name_of(const testing::TestParamInfo<std::tuple<Lanes, HashAlg>>& test) {
  const auto& [way, alg] = test.param;
  const std::string ways[] = {"none", "sha", "avx2", "avx512"};
  const std::string algs[] = {"sha256", "sha384", "sha512"};
  return ways[static_cast<std::size_t>(way)] + "_" + algs[static_cast<std::size_t>(alg)];
}
INSTANTIATE_TEST_SUITE_P(Vectors, Sha2Lanes,
                         testing::Combine(testing::Values(Lanes::avx2, Lanes::avx512),
                                          testing::ValuesIn(kAll)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Pairs, Sha2Lanes, testing::Values(std::tuple(Lanes::sha_x2, HashAlg::sha256)),
                         name_of);

TEST(Sha2LanesChoice, IsOneThatThisProcessorHas) {
  for (const auto alg : kAll) {
    EXPECT_TRUE(supports(Lanes::none, alg));
    EXPECT_EQ(best_lanes(alg, 1), Lanes::none) << "nothing stands beside a single message";
    for (const std::size_t messages : {2u, 3u, 8u, 100u})
      EXPECT_TRUE(supports(best_lanes(alg, messages), alg));
  }
  EXPECT_FALSE(supports(Lanes::sha_x2, HashAlg::sha512)) << "there are no such instructions";
}

// An engine's own way, whatever the processor.
TEST(Sha2LanesChoice, EveryEngineHasLanes) {
  const auto engine = make_openssl_engine();
  for (const auto alg : kAll) {
    const auto lanes = engine->lanes(alg);
    crypto::Digest digest;
    std::atomic<std::size_t> left = 1;
    ASSERT_GT(lanes->room(), 0u);
    lanes->give(as_bytes("abc"), digest, left);
    EXPECT_FALSE(lanes->idle());
    lanes->advance();
    EXPECT_EQ(left, 0u);
    EXPECT_EQ(digest, engine->digest(alg, as_bytes("abc")));
    const auto simple = engine->Engine::lanes(alg);  // as for engines that have no other
    left = 1;
    simple->give(as_bytes("abcd"), digest, left);
    EXPECT_EQ(simple->room(), 0u);
    simple->advance();
    EXPECT_EQ(left, 0u);
    EXPECT_EQ(digest, engine->digest(alg, as_bytes("abcd")));
  }
}

// FIPS 180-4 examples (NIST): "abc" and the empty message, through the way that was chosen.
TEST(Sha2LanesChoice, KnownAnswers) {
  const auto engine = make_openssl_engine();
  const std::vector<BytesView> messages{as_bytes("abc"), {}, as_bytes("abc"), {}};
  std::vector<crypto::Digest> digests(4);
  engine->digest_batch(HashAlg::sha256, messages, digests);
  EXPECT_EQ(to_hex(digests[0].view()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(digests[1].view()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  engine->digest_batch(HashAlg::sha512, messages, digests);
  EXPECT_EQ(to_hex(digests[2].view()),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(to_hex(digests[3].view()),
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
            "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
  engine->digest_batch(HashAlg::sha384, messages, digests);
  EXPECT_EQ(
      to_hex(digests[0].view()),
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
}

}  // namespace
}  // namespace camvault::crypto_openssl

#include <gtest/gtest.h>

#include "camvault/crypto_openssl/engine.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::Digest;
using crypto::HashAlg;

constexpr HashAlg kAll[] = {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512};

struct Vector {
  HashAlg alg;
  std::string message;
  const char* digest;
};

// FIPS 180-4 example values as published by NIST (CSRC, "Examples with Intermediate Values": SHA256, SHA384,
// SHA512).
const char* const kLong =
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
    "nopqrstu";
const Vector kVectors[] = {
    {HashAlg::sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {HashAlg::sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {HashAlg::sha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {HashAlg::sha256, std::string(1'000'000, 'a'),
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {HashAlg::sha384, "abc",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {HashAlg::sha384, kLong,
     "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039"},
    {HashAlg::sha512, "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d442"
     "3643ce80e2a"
     "9ac94fa54ca49f"},
    {HashAlg::sha512, kLong,
     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329e"
     "eb6dd26545e"
     "96e55b874be909"},
};

TEST(Digest, AgreesWithThePublishedExamples) {
  const auto engine = make_openssl_engine();
  for (const auto& v : kVectors) {
    const auto digest = engine->digest(v.alg, as_bytes(v.message));
    EXPECT_EQ(to_hex(digest.view()), v.digest);
    EXPECT_EQ(digest.size, crypto::digest_size(v.alg));
    const auto hasher = engine->hasher(v.alg);
    for (int again = 0; again < 2; ++again) {  // finish() starts anew
      for (const char c : v.message) hasher->update(as_bytes({&c, 1}));
      EXPECT_EQ(hasher->finish(), digest);
    }
  }
}

TEST(Digest, ABatchIsTheDigestsOfItsMessages) {
  const auto engine = make_openssl_engine();
  // All sizes around the block and padding borders of both block lengths.
  std::vector<Bytes> messages;
  for (std::size_t size = 0; size < 300; ++size) messages.emplace_back(size, static_cast<std::uint8_t>(size));
  const std::vector<BytesView> views(messages.begin(), messages.end());
  for (const auto alg : kAll) {
    std::vector<Digest> out(views.size());
    engine->digest_batch(alg, views, out);
    for (std::size_t i = 0; i < views.size(); ++i) ASSERT_EQ(out[i], engine->digest(alg, views[i]));
    engine->digest_batch(alg, {}, {});
  }
}

TEST(Digest, EnginesComeAndGoOnOneThread) {
  const auto expected = make_openssl_engine()->digest(HashAlg::sha256, as_bytes("abc"));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(make_openssl_engine()->digest(HashAlg::sha256, as_bytes("abc")), expected);
}

TEST(Random, FillsEverythingAndDiffers) {
  const auto engine = make_openssl_engine();
  Bytes a(3'000'000), b(32), c(32);
  engine->random(a);
  engine->random(b);
  engine->random(c);
  EXPECT_NE(b, c);
  // The chance that 64 random bytes are all zero is nil; a piece that was left out would be.
  EXPECT_NE(Bytes(a.end() - 64, a.end()), Bytes(64));
}

}  // namespace
}  // namespace camvault::crypto_openssl

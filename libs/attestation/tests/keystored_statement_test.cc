#include "camvault/attestation/keystored_statement.h"

#include <gtest/gtest.h>

#include "evidence.h"

namespace camvault::attestation {
namespace {

using namespace test;

class StatementTest : public testing::Test {
 protected:
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  KeystoredStatement statement_ = about(*engine_, as_bytes("a public key"));
};

TEST_F(StatementTest, WhatIsWrittenIsRead) {
  for (const auto origin : {KeyOrigin::generated_inside, KeyOrigin::trust_provisioned, KeyOrigin::imported}) {
    statement_.origin = origin;  // NA-2.3-2
    const auto bytes = encode_statement(statement_).value();
    const auto back = decode_statement(bytes).value();
    EXPECT_EQ(back.origin, origin);
    EXPECT_EQ(back.spki_sha256, statement_.spki_sha256);
    EXPECT_EQ(back.backend, "software");
    EXPECT_EQ(back.nonce, statement_.nonce);
    EXPECT_EQ(back.stated, statement_.stated);
    EXPECT_EQ(encode_statement(back).value(), bytes);
  }
}

TEST_F(StatementTest, FieldsThatMakeNoSenseAreRefused) {
  const auto refused = [&](auto change) {
    auto s = statement_;
    change(s);
    return !encode_statement(s);
  };
  EXPECT_TRUE(refused([](auto& s) { s.nonce = Bytes(kMinNonce - 1); }));
  EXPECT_TRUE(refused([](auto& s) { s.nonce = Bytes(kMaxNonce + 1); }));
  EXPECT_TRUE(refused([](auto& s) { s.backend = ""; }));
  EXPECT_TRUE(refused([](auto& s) { s.backend = "Soft ware"; }));
  EXPECT_TRUE(refused([](auto& s) { s.backend = std::string(33, 'a'); }));
  EXPECT_TRUE(refused([](auto& s) { s.purpose = 0; }));
  EXPECT_TRUE(refused([](auto& s) { s.spki_sha256.size = 20; }));
  EXPECT_TRUE(refused([](auto& s) { s.created = from_unix_seconds(-1); }));
}

TEST_F(StatementTest, EveryPrefixAndEveryFlippedBitIsRefusedOrDiffers) {
  const auto bytes = encode_statement(statement_).value();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_statement(BytesView(bytes).first(size)));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto changed = bytes;
    changed[i] ^= 0x01;
    const auto read = decode_statement(changed);
    if (!read) continue;
    EXPECT_NE(encode_statement(*read).value(), bytes);
  }
}

}  // namespace
}  // namespace camvault::attestation

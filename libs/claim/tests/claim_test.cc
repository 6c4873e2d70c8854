// Codes, proofs and messages of a claim, and what wrong ones cost. AX-2.2-1, NA-1-1
#include "camvault/claim/claim.h"

#include <gtest/gtest.h>

#include "camvault/claim/desk.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/password.h"

namespace camvault::claim {
namespace {

Secret secret(std::string_view text) {
  return Secret(as_bytes(text));
}

TEST(Codes, AsTheyAreTyped) {
  const auto engine = crypto_openssl::make_openssl_engine();
  const auto code = new_code(*engine);
  EXPECT_EQ(code.size(), 14u);
  const auto plain = read_code(code);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->size(), kCodeSize);
  EXPECT_TRUE(read_code(secret("ABCD-EFGH-0123"))->equals(as_bytes("ABCDEFGH0123")));
  for (const char* same : {"abcdefgh0123", "AbCd efgh oIL3", "ABCD-EFGH-O123"}) {
    const auto read = read_code(secret(same));
    ASSERT_TRUE(read) << same;
  }
  EXPECT_TRUE(read_code(secret("abcd efgh oi23"))->equals(as_bytes("ABCDEFGH0123")));
  for (const char* bad :
       {"", "ABCD-EFGH-012", "ABCD-EFGH-01234", "ABCD-EFGH-012U", "ABCD_EFGH_0123", "ABCDEFGH012\n"})
    EXPECT_FALSE(read_code(secret(bad))) << bad;
  EXPECT_FALSE(read_code(secret(std::string(65, '-') + "ABCDEFGH0123")));
}

// RFC 7914 section 11 has PBKDF2-HMAC-SHA256; RFC 4231 4.2 has HMAC-SHA256.
TEST(Codes, KeysAreStandards) {
  const auto derived = crypto_openssl::pbkdf2_sha256(secret("passwd"), as_bytes("salt"), 1, 64);
  ASSERT_TRUE(derived);
  EXPECT_TRUE(derived->equals(from_hex("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                                       "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783")
                                  .value()));
  const Bytes key(20, 0x0b);
  EXPECT_EQ(to_hex(crypto_openssl::hmac_sha256(Secret(key), as_bytes("Hi There")).value()),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_FALSE(crypto_openssl::pbkdf2_sha256(secret(""), as_bytes("salt"), 1, 32));
  EXPECT_FALSE(crypto_openssl::pbkdf2_sha256(secret("x"), {}, 1, 32));
  const auto one = key_of_code(secret("ABCD-EFGH-0123"), "CAM-1"),
             two = key_of_code(secret("ABCD-EFGH-0123"), "CAM-2");
  EXPECT_TRUE(two->reveal([&](BytesView bytes) { return !one->equals(bytes); }))
      << "salted with the serial number";
}

TEST(Proofs, SayWhoOnWhichConnection) {
  const auto engine = crypto_openssl::make_openssl_engine();
  const Terms terms{Bytes(32, 1), Bytes(100, 2), "https://fleet.example:8443"};
  const auto proven = to_be_proven(*engine, Side::owner, terms);
  EXPECT_NE(proven, to_be_proven(*engine, Side::camera, terms)) << "not to be sent back";
  auto other = terms;
  other.channel_binding[0] = 0;
  EXPECT_NE(proven, to_be_proven(*engine, Side::owner, other));
  other = terms;
  other.owner_ca[0] = 0;
  EXPECT_NE(proven, to_be_proven(*engine, Side::owner, other));
  other = terms;
  other.server += "1";
  EXPECT_NE(proven, to_be_proven(*engine, Side::owner, other));
}

TEST(Messages, AndTheirNeighbours) {
  const Request request{Bytes(10, 1), "https://fleet.example", Bytes(32, 2)};
  const auto back = read_request(as_bytes(write_request(request)));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->server, request.server);
  EXPECT_EQ(back->proof, request.proof);
  EXPECT_FALSE(read_request(as_bytes(write_request({Bytes(10, 1), "https://x", Bytes(31, 2)}))));
  EXPECT_FALSE(read_request(as_bytes(write_request({{}, "https://x", Bytes(32, 2)}))));
  EXPECT_FALSE(read_request(as_bytes(write_request({Bytes(10, 1), "", Bytes(32, 2)}))));
  const auto text = write_request(request);
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(read_request(as_bytes(text.substr(0, size))));
  for (const char* more : {"\"version\":1,", "\"x\":1,", "\"server\":\"https://b\","}) {
    auto longer = text;
    longer.insert(1, more);
    EXPECT_FALSE(read_request(as_bytes(longer))) << more;
  }
  EXPECT_EQ(read_request(Bytes(kMaxMessage + 1, ' ')).error().code, Errc::limit);
  EXPECT_EQ(read_answer(as_bytes(write_answer({Bytes(32, 3), {}, 0, 0})))->proof, Bytes(32, 3));
  const auto refused = read_answer(as_bytes(write_answer({{}, "wrong-code", 4, 32})));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error, "wrong-code");
  EXPECT_EQ(refused->tries_left, 4u);
  EXPECT_EQ(refused->wait, 32u);
  EXPECT_FALSE(read_answer(as_bytes(R"({"version":1})")));
  EXPECT_FALSE(read_answer(as_bytes(R"({"version":2,"error":"x"})")));
}

TEST(Waiting, GrowsToAnHour) {
  EXPECT_EQ(wait_after(0).count(), 0);
  EXPECT_EQ(wait_after(1).count(), 1);
  EXPECT_EQ(wait_after(5).count(), 16);
  EXPECT_EQ(wait_after(50).count(), 3600);
}

}  // namespace
}  // namespace camvault::claim

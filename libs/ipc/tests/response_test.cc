#include "camvault/ipc/response.h"

#include <gtest/gtest.h>

#include "camvault/ipc/frame.h"

namespace camvault::ipc {
namespace {

using keystore::KeyInfo;
using keystore::KeyType;
using keystore::Operation;
using keystore::ServiceError;

KeyInfo info(const std::string& name) {
  auto policy = keystore::default_policy(KeyType::ed25519, keystore::Purpose::tls);
  policy.uids = {5};
  return {.name = KeyName::parse(name).value(),
          .type = KeyType::ed25519,
          .policy = policy,
          .origin = keystore::Origin::imported,
          .created = from_unix_seconds(9),
          .backend = "software"};
}

keystore::BackendStatus backend(const std::string& name, std::optional<std::uint32_t> free_slots) {
  return {.name = name,
          .kind = "tpm2",
          .simulator = true,
          .key_types = {KeyType::ec_p256},
          .protection = "words",
          .usable = false,
          .health = "no answer",
          .module = "IBM SW TPM",
          .certification = "#1",
          .free_slots = free_slots};
}

keystore::ServiceStatus status() {
  return {.version = "1",
          .keys = 3,
          .damaged = {"camera/a: gone"},
          .mechanisms = {{"seccomp", true, "on"}, {"landlock", false, "off"}},
          .backends = {backend("software", {}), backend("tpm", 3)},
          .root_key = "a file"};
}

std::vector<std::pair<Operation, Response>> one_of_each() {
  return {{Operation::status, {1, {}, status()}},
          {Operation::list, {2, {}, std::vector<KeyInfo>{info("a/b"), info("a/c")}}},
          {Operation::list, {2, {}, std::vector<KeyInfo>{}}},
          {Operation::generate, {3, {}, info("a/b")}},
          {Operation::move, {3, {}, info("a/b")}},
          {Operation::remove, {4, {}, std::monostate{}}},
          {Operation::sign_digest, {5, {}, Bytes(70, 1)}},
          {Operation::attest, {7, {}, Bytes(300, 2)}},
          {Operation::certify, {8, {}, Bytes(300, 2)}},
          {Operation::compare, {9, {}, true}},
          {Operation::compare, {9, {}, false}},
          {Operation::read_counter, {10, {}, std::uint64_t{0}}},
          {Operation::increment_counter, {10, {}, ~std::uint64_t{0}}},
          {Operation::restore, {11, {}, info("a/b")}},
          {Operation::mac, {6, ServiceError::denied, std::monostate{}}}};
}

TEST(Responses, ReadBackWhatTheyWriteAndNothingElse) {
  for (const auto& [operation, response] : one_of_each()) {
    const auto good = encode_response(response).value();
    EXPECT_EQ(response_id(good).value(), response.id);
    const auto back = decode_response(operation, good);
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->error, response.error);
    EXPECT_EQ(encode_response(*back).value(), good);
    for (std::size_t size = 0; size < good.size(); ++size)
      EXPECT_FALSE(decode_response(operation, BytesView(good).first(size)));
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        auto changed = good;
        changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1u << bit));
        if (const auto read = decode_response(operation, changed)) {
          EXPECT_EQ(encode_response(*read).value(), changed);
        }
      }
    }
  }
}

TEST(Responses, ToAnotherOperationAreRefused) {
  const auto bytes = encode_response({1, {}, Bytes(70, 1)}).value();
  EXPECT_TRUE(decode_response(Operation::sign_digest, bytes));
  EXPECT_FALSE(decode_response(Operation::list, bytes));
  EXPECT_FALSE(decode_response(Operation::remove, bytes));
  EXPECT_FALSE(decode_response(Operation::status, bytes));
  EXPECT_FALSE(decode_response(Operation::sign_digest, encode_response({1, {}, std::monostate{}}).value()));
}

TEST(Responses, TheLargestPageFitsIntoAFrame) {
  auto largest = info(std::string(63, 'a') + "/" + std::string(63, 'b'));
  largest.type = KeyType::rsa_4096;
  largest.policy = keystore::default_policy(KeyType::rsa_4096, keystore::Purpose::tls);
  for (std::uint32_t i = 0; i < keystore::kMaxPolicyUids; ++i) largest.policy.uids.push_back(0xffff0000u + i);
  largest.policy.backup = true;
  largest.backend = std::string(32, 'x');
  largest.created = from_unix_seconds(253'402'300'799);
  const std::vector<KeyInfo> page(kMaxListPage, largest);
  EXPECT_LE(encode_response({~0u, {}, page}).value().size(), kMaxFrame);
}

TEST(HelloReplies, AreAVersionOrAnError) {
  const auto good = encode_hello_reply({.error = {}, .version = 1}).value();
  EXPECT_EQ(decode_hello_reply(good)->version, 1u);
  EXPECT_EQ(
      decode_hello_reply(encode_hello_reply({.error = ServiceError::busy, .version = 0}).value())->error,
      ServiceError::busy);
  EXPECT_FALSE(decode_hello_reply(encode_hello_reply({.error = ServiceError::busy, .version = 1}).value()));
  EXPECT_FALSE(decode_hello_reply(encode_hello_reply({.error = {}, .version = 0}).value()));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode_hello_reply(BytesView(good).first(size)));
}

}  // namespace
}  // namespace camvault::ipc

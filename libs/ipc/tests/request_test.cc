#include "camvault/ipc/request.h"

#include <gtest/gtest.h>

#include <functional>

#include "camvault/codec/cbor.h"

namespace camvault::ipc {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::KeyType;
using keystore::Purpose;

KeyName name() {
  return KeyName::parse("camera/media").value();
}

crypto::Digest digest(std::uint8_t size) {
  crypto::Digest out;
  out.size = size;
  return out;
}

std::vector<Request> one_of_each() {
  static const Bytes data(40, 0xd1);
  const KeyUse use{name(), Purpose::media_signing};
  const auto policy = keystore::default_policy(KeyType::rsa_2048, Purpose::ca_signing);
  return {{0, request::Status{}},
          {1, request::List{""}},
          {2, request::List{"camera/media"}},
          {3, request::Info{name()}},
          {4, request::Generate{name(), KeyType::rsa_2048, policy}},
          {4, request::Generate{name(), KeyType::rsa_2048, policy, "tpm.2"}},
          {14, request::Move{name(), "tpm.2", keystore::MoveMode::new_key}},
          {14, request::Move{name(), "token", keystore::MoveMode::same_key}},
          {5, request::Import{name(), KeyType::rsa_2048, policy, data}},
          {6, request::Remove{name()}},
          {7, request::PublicKey{name()}},
          {8, request::SignDigest{use, SignatureScheme::ecdsa, HashAlg::sha384, digest(48)}},
          {9, request::SignMessage{use, SignatureScheme::ed25519, HashAlg::sha512, data}},
          {10, request::Random{32}},
          {11, request::Encrypt{use, data, data}},
          {12, request::Decrypt{use, data, {}}},
          {13, request::Mac{use, {}}},
          {16, request::Certify{name(), data}},
          {17, request::Attester{name()}},
          {18, request::Activate{name(), data}},
          {19, request::Agree{use, data}},
          {20, request::Compare{use, data}},
          {21, request::Derive{use, {keystore::Kdf::pbkdf2_sha256, data, {}, 1000, 32}}},
          {21, request::Derive{use, {keystore::Kdf::hkdf_sha256, {}, data, 0, 512}}},
          {22, request::ReadCounter{name()}},
          {23, request::IncrementCounter{name()}},
          {24, request::Seal{name(), data}},
          {24, request::Seal{name(), data, "tpm.2"}},
          {25, request::Unseal{name(), data}},
          {26, request::Backup{name()}},
          {27, request::Restore{name(), KeyType::rsa_2048, policy, data}},
          {28, request::TlsShare{keystore::TlsGroup::secp256r1}},
          {29, request::TlsAgree{data, data}},
          {30, request::TlsPsk{use}},
          {31, request::TlsDerive{{.step = keystore::TlsStep::expand_1_3,
                                   .hash = HashAlg::sha384,
                                   .secret = data,
                                   .label = data,
                                   .data = {},
                                   .size = 48}}},
          {31, request::TlsDerive{{.step = keystore::TlsStep::extract_1_3, .secret = data, .before = data}}},
          {~0u, request::Attest{name(), KeyName::parse("camera/attestation").value(), data}}};
}

TEST(Requests, ReadBackWhatTheyWrite) {
  for (const auto& request : one_of_each()) {
    const auto bytes = encode_request(request).value();
    const auto back = decode_request(bytes);
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->id, request.id);
    EXPECT_EQ(back->operation(), request.operation());
    EXPECT_EQ(encode_request(*back).value(), bytes);
    EXPECT_EQ(back->key() == nullptr, request.key() == nullptr);
    if (back->key() != nullptr) {
      EXPECT_EQ(*back->key(), name());
    }
  }
  EXPECT_EQ(one_of_each().back().operation(), keystore::Operation::attest);
}

// SP-4.2.11: an unknown field, number or operation is refused, never skipped.
TEST(Requests, RefuseTruncationsAdditionsAndEveryFlippedBitThatChangesTheForm) {
  for (const auto& request : one_of_each()) {
    const auto good = encode_request(request).value();
    for (std::size_t size = 0; size < good.size(); ++size)
      EXPECT_FALSE(decode_request(BytesView(good).first(size)));
    auto longer = good;
    longer.push_back(0);
    EXPECT_FALSE(decode_request(longer));
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        auto changed = good;
        changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1u << bit));
        if (const auto read = decode_request(changed)) {
          EXPECT_EQ(encode_request(*read).value(), changed);
        }
      }
    }
  }
}

Result<Request> decoded(const std::function<void(codec::CborWriter&)>& fields) {
  codec::CborWriter out;
  out.begin_map();
  fields(out);
  out.end();
  const auto bytes = out.take().value();
  auto request = decode_request(bytes);
  if (request) return Request{request->id, request::Status{}};  // views into `bytes` end here
  return request;
}

TEST(Requests, RefuseUnknownFieldsNumbersAndSizes) {
  const auto random = [](codec::CborWriter& out, std::int64_t extra) {
    out.key(request_tag::kId);
    out.unsigned_integer(1);
    out.key(request_tag::kOperation);
    out.unsigned_integer(10);
    out.key(request_tag::kCount);
    out.unsigned_integer(8);
    if (extra >= 0) {
      out.key(extra);
      out.unsigned_integer(1);
    }
  };
  EXPECT_TRUE(decoded([&](auto& out) { random(out, -1); }));
  for (const std::int64_t extra : {2, 9, 11, 12, 99})
    EXPECT_FALSE(decoded([&](auto& out) { random(out, extra); })) << extra;

  const auto operation = [](std::uint64_t number) {
    return decoded([&](auto& out) {
      out.key(request_tag::kId);
      out.unsigned_integer(1);
      out.key(request_tag::kOperation);
      out.unsigned_integer(number);
    });
  };
  EXPECT_TRUE(operation(1));
  for (const std::uint64_t number :
       {std::uint64_t{0}, std::uint64_t{16}, std::uint64_t{257}, ~std::uint64_t{0}}) {
    EXPECT_FALSE(operation(number)) << number;
  }

  const auto sign = [](std::size_t size, std::uint64_t hash) {
    return decoded([&](auto& out) {
      out.key(request_tag::kId);
      out.unsigned_integer(1);
      out.key(request_tag::kOperation);
      out.unsigned_integer(8);
      out.key(request_tag::kKey);
      out.text("camera/media");
      out.key(request_tag::kPurpose);
      out.unsigned_integer(2);
      out.key(request_tag::kScheme);
      out.unsigned_integer(1);
      out.key(request_tag::kHash);
      out.unsigned_integer(hash);
      out.key(request_tag::kData);
      out.bytes(Bytes(size));
    });
  };
  EXPECT_TRUE(sign(32, 1));
  EXPECT_TRUE(sign(64, 3));
  EXPECT_FALSE(sign(31, 1));
  EXPECT_FALSE(sign(48, 1));
  EXPECT_FALSE(sign(0, 1));
  EXPECT_FALSE(sign(65, 3));
  EXPECT_FALSE(sign(32, 4));

  const auto mac = [](std::size_t size) {
    const Bytes data(size);
    const auto bytes = encode_request({1, request::Mac{{name(), Purpose::mac}, data}}).value();
    return decode_request(bytes).has_value();
  };
  EXPECT_TRUE(mac(keystore::kMaxMessage));
  EXPECT_FALSE(mac(keystore::kMaxMessage + 1));
}

TEST(Hello, NamesTheProtocolAndARangeOfVersions) {
  const auto bytes = encode_hello({}).value();
  EXPECT_EQ(decode_hello(bytes)->min, kProtocolVersion);
  EXPECT_TRUE(decode_hello(encode_hello({.min = 1, .max = 7}).value()));
  EXPECT_FALSE(decode_hello(encode_hello({.min = 0, .max = 1}).value()));
  EXPECT_FALSE(decode_hello(encode_hello({.min = 2, .max = 1}).value()));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_hello(BytesView(bytes).first(size)));
  auto other = bytes;
  other[5] ^= 1;  // of the protocol's name
  EXPECT_FALSE(decode_hello(other));
  EXPECT_FALSE(decode_hello(encode_request({1, request::Status{}}).value()));
}

}  // namespace
}  // namespace camvault::ipc

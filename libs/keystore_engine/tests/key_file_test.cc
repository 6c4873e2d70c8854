#include "camvault/keystore_engine/key_file.h"

#include <gtest/gtest.h>

namespace camvault::keystore_engine {
namespace {

using keystore::KeyName;
using keystore::KeyType;
using keystore::Purpose;

KeyRecord example() {
  auto policy = keystore::default_policy(KeyType::ec_p256, Purpose::media_signing);
  policy.uids = {1000};
  return {.info = {.name = KeyName::parse("camera/media").value(),
                   .type = KeyType::ec_p256,
                   .policy = policy,
                   .origin = keystore::Origin::generated_inside,
                   .created = from_unix_seconds(1'700'000'000),
                   .backend = "software"},
          .spki = Bytes(91, 0x30)};
}

Bytes encoded(const KeyRecord& record) {
  return encode_key_file(encode_metadata(record).value(), Bytes(200, 0xee)).value();
}

TEST(KeyFile, ReadsBackWhatItWrites) {
  const auto file = decode_key_file(encoded(example())).value();
  EXPECT_EQ(file.record.info.name.text(), "camera/media");
  EXPECT_EQ(file.record.spki, example().spki);
  EXPECT_EQ(file.sealed, Bytes(200, 0xee));
  EXPECT_EQ(file.metadata, encode_metadata(example()).value());
  // docs/formats/keystore-files.md: the additional data is text, version, metadata.
  EXPECT_EQ(to_hex(BytesView(additional_data(file.metadata)).first(19)),
            "63616d7661756c74206b65792066696c6501a2");
}

TEST(KeyFile, RefusesOtherVersionsTruncationsAndAdditions) {
  const auto good = encoded(example());
  auto other = good;
  ASSERT_EQ(to_hex(BytesView(good).first(3)), "a30001");  // a map of three, tag 0, version 1
  other[2] = 2;
  EXPECT_EQ(decode_key_file(other).error().code, Errc::unsupported);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decode_key_file(BytesView(good).first(size))) << size;
  }
  auto longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode_key_file(longer));
}

TEST(KeyFile, RefusesKeysOfNobodyAndPublicKeysWhereNoneBelong) {
  auto record = example();
  record.info.policy.uids = {};
  EXPECT_FALSE(decode_key_file(encoded(record)));
  record = example();
  record.spki = {};
  EXPECT_FALSE(decode_key_file(encoded(record)));
  record = example();
  record.info.type = KeyType::hmac_sha256;
  record.info.policy = keystore::default_policy(KeyType::hmac_sha256, Purpose::mac);
  record.info.policy.uids = {1};
  EXPECT_FALSE(decode_key_file(encoded(record)));
  record.spki = {};
  EXPECT_TRUE(decode_key_file(encoded(record)));
}

TEST(KeyFileName, CannotLeaveItsFolderOrMeanTwoKeys) {
  const auto name_of = [](std::string_view text) { return file_name_of(KeyName::parse(text).value()); };
  EXPECT_EQ(name_of("camera/media"), "camera@media.key");
  EXPECT_EQ(name_of("../.."), "..@...key");
  EXPECT_NE(name_of("a.b/c"), name_of("a/b.c"));
  for (const auto* text : {"camera/media", "../..", "a/b.key", "x.key/y"}) {
    EXPECT_EQ(key_name_of(name_of(text)).value().text(), text);
  }
  for (const auto* text :
       {"", ".key", "@.key", "a@.key", "@b.key", "a@b", "a@b.key~", "A@b.key", "a@b@c.key", "~new"}) {
    EXPECT_FALSE(key_name_of(text)) << text;
  }
}

}  // namespace
}  // namespace camvault::keystore_engine

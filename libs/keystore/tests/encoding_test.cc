#include "camvault/keystore/encoding.h"

#include <gtest/gtest.h>

namespace camvault::keystore {
namespace {

using codec::CborReader;
using codec::CborWriter;

KeyInfo example() {
  auto policy = default_policy(KeyType::ec_p256, Purpose::media_signing);
  policy.uids = {0, 1000};
  return {.name = KeyName::parse("camera/media").value(),
          .type = KeyType::ec_p256,
          .policy = policy,
          .origin = Origin::generated_inside,
          .created = from_unix_seconds(1'700'000'000),
          .backend = "software"};
}

Bytes encoded(const KeyInfo& info) {
  CborWriter out;
  write_key_info(out, info);
  return out.take().value();
}

Result<KeyInfo> decoded(BytesView bytes) {
  CAM_TRY(auto in, CborReader::open(bytes));
  return read_key_info(in);
}

TEST(KeyInfoEncoding, HasTheDocumentedBytes) {
  // docs/formats/keystore-files.md prints the same bytes.
  EXPECT_EQ(to_hex(encoded(example())),
            "a6006c63616d6572612f6d65646961010102a400020181010283010203038200"
            "1903e80301041a6553f100056"
            "8736f667477617265");
  const auto back = decoded(encoded(example())).value();
  EXPECT_EQ(encoded(back), encoded(example()));
  EXPECT_EQ(back.policy, example().policy);
}

TEST(KeyInfoEncoding, RefusesEveryTruncationAndWhatTheWriterNeverWrites) {
  const auto good = encoded(example());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decoded(BytesView(good).first(size))) << size;
  // Any single changed byte gives an error, or a value that encodes to exactly those bytes again.
  int accepted = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = good;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1u << bit));
      if (const auto info = decoded(changed)) {
        EXPECT_EQ(encoded(*info), changed);
        ++accepted;
      }
    }
  }
  EXPECT_GT(accepted, 0);  // other names, times and uids
}

TEST(KeyInfoEncoding, RefusesPoliciesThatDoNotFitTheType) {
  auto info = example();
  info.policy.purpose = Purpose::mac;
  EXPECT_EQ(decoded(encoded(info)).error().code, Errc::malformed);
  info = example();
  info.policy.schemes = {crypto::SignatureScheme::rsa_pss};
  EXPECT_EQ(decoded(encoded(info)).error().code, Errc::malformed);
  info = example();
  info.policy.uids = {0xffffffffu};
  EXPECT_EQ(decoded(encoded(info)).error().code, Errc::malformed);
}

}  // namespace
}  // namespace camvault::keystore

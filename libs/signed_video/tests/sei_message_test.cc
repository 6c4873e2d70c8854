// The SEI's bytes: what is written is read, and each accepted form has a refused neighbour.
#include "sei_writer.h"

#include <gtest/gtest.h>

#include "camvault/codec/emulation.h"

namespace camvault::signed_video {
namespace {

SeiDraft draft_of(codec::Codec codec, bool escaped) {
  SeiDraft draft;
  draft.codec = codec;
  draft.escaped_document = escaped;
  General general;
  general.spec_version = {26, 6, 0};
  general.start = from_unix_seconds(1'780'000'000);
  general.end = from_unix_seconds(1'780'000'001);
  general.counter = 0x01020304;
  general.unit_count = 2;
  general.gop_hash.size = general.linked_hash.size = 32;  // all zeros: full of emulation prevention
  draft.general = general;
  draft.hash = crypto::HashAlg::sha256;
  draft.vendor = Vendor{"fw", "sn", "maker"};
  draft.chains = {{false, "PEM"}};
  return draft;
}

TEST(SeiMessage, RoundTripsInBothCodecsAndDomains) {
  const Bytes list(64);
  const Bytes signature{0x30, 0x00, 0x00, 0x01, 0x00, 0x00};
  for (const auto codec : {codec::Codec::h264, codec::Codec::h265}) {
    for (const bool escaped : {false, true}) {
      auto draft = draft_of(codec, escaped);
      draft.hash_list = list;
      const auto writer = SeiWriter::create(draft, 72).value();
      const auto unit = writer.finish(signature).value();
      ASSERT_TRUE(is_media_signing_sei(codec, unit));
      const auto message = read_sei_message(codec, unit).value();
      EXPECT_EQ(message.document, writer.document);
      EXPECT_EQ(message.signature, signature);
      EXPECT_EQ(message.hash_list, list);
      EXPECT_EQ(message.general->counter, 0x01020304u);
      EXPECT_EQ(message.general->start, draft.general->start);
      EXPECT_EQ(message.general->end, draft.general->end);
      EXPECT_EQ(message.crypto->hash, crypto::HashAlg::sha256);
      EXPECT_EQ(message.vendor->manufacturer, "maker");
      ASSERT_EQ(message.chains.size(), 1u);
      EXPECT_EQ(message.chains[0].pem, "PEM");
      EXPECT_EQ(message.escaped_document, escaped);
      if (!escaped) {
        // Some files hold the SEI without emulation prevention: the same document.
        const auto bare = codec::unescape(unit);
        EXPECT_EQ(read_sei_message(codec, bare).value().document, writer.document);
      }
    }
  }
}

// The linked hash ends in zeros and the Signature field follows at once: the 0x03 in between is not in the
// document.
TEST(SeiMessage, AnEscapeBeforeTheSignatureFieldIsNotPartOfTheDocument) {
  auto draft = draft_of(codec::Codec::h264, true);  // no list: low bitrate
  const auto writer = SeiWriter::create(draft, 72).value();
  const auto unit = writer.finish(Bytes(70, 0x55)).value();
  const auto message = read_sei_message(codec::Codec::h264, unit).value();
  EXPECT_EQ(message.document, writer.document);
  EXPECT_EQ(message.document.back(), 0);
  EXPECT_TRUE(std::equal(message.document.begin(), message.document.end(), unit.begin()));
  EXPECT_EQ(unit[message.document.size()], 3);      // the escape
  EXPECT_EQ(unit[message.document.size() + 1], 3);  // the Signature tag
}

TEST(SeiMessage, UnsignedIsHashedAsItStands) {
  const auto writer = SeiWriter::create(draft_of(codec::Codec::h265, true), 0).value();
  const auto unit = writer.finish_unsigned().value();
  const auto message = read_sei_message(codec::Codec::h265, unit).value();
  EXPECT_FALSE(message.is_signed());
  EXPECT_EQ(message.whole, unit);
  EXPECT_EQ(writer.whole_unsigned(), unit);
}

TEST(SeiMessage, EveryCutIsRefused) {
  const auto unit =
      SeiWriter::create(draft_of(codec::Codec::h264, true), 72).value().finish(Bytes(70, 0x55)).value();
  for (std::size_t size = 0; size < unit.size(); ++size) {
    const auto cut = BytesView(unit).first(size);
    if (is_media_signing_sei(codec::Codec::h264, cut)) {
      EXPECT_FALSE(read_sei_message(codec::Codec::h264, cut)) << size;
    }
  }
}

TEST(SeiMessage, RefusedNeighbours) {
  auto plain = codec::unescape(
      SeiWriter::create(draft_of(codec::Codec::h264, false), 72).value().finish(Bytes(70, 0x55)).value());
  const std::size_t payload = 1 + 1 + 1;  // header, type, size
  ASSERT_TRUE(is_media_signing_sei(codec::Codec::h264, plain));
  const auto fields = payload + 17;
  ASSERT_EQ(plain[fields], static_cast<std::uint8_t>(Tag::crypto_info));
  const auto refused = [&](std::size_t at, std::uint8_t value) {
    auto changed = plain;
    changed[at] = value;
    return !read_sei_message(codec::Codec::h264, changed);
  };
  EXPECT_FALSE(refused(fields, plain[fields]));  // unchanged
  EXPECT_TRUE(refused(payload + 16, 0x01));      // more reserved bytes
  EXPECT_TRUE(refused(fields + 1, 0xff));        // a length past the end
  EXPECT_TRUE(refused(fields + 3, 2));           // version of Crypto info
  EXPECT_TRUE(refused(fields, 0x05));            // the same bytes as Vendor info
  EXPECT_TRUE(refused(plain.size() - 1, 0x81));  // stop byte
  auto longer = plain;
  longer.push_back(0x80);
  EXPECT_FALSE(read_sei_message(codec::Codec::h264, longer));
}

TEST(SeiMessage, BothByteOrdersOfTimeAreRead) {
  auto plain = codec::unescape(
      SeiWriter::create(draft_of(codec::Codec::h264, false), 72).value().finish(Bytes(70, 0x55)).value());
  const auto message = read_sei_message(codec::Codec::h264, plain).value();
  // General: tag, length, version, spec version, partial, start, end, counter
  std::size_t general = 1 + 1 + 1 + 17;
  while (plain[general] != static_cast<std::uint8_t>(Tag::general))
    general += 3u + (std::size_t{plain[general + 1]} << 8 | plain[general + 2]);
  const auto start = plain.begin() + static_cast<std::ptrdiff_t>(general) + 3 + 5;
  std::reverse(start, start + 8);
  std::reverse(start + 8, start + 16);
  std::reverse(start + 16, start + 20);
  const auto swapped = read_sei_message(codec::Codec::h264, plain).value();
  EXPECT_EQ(swapped.general->start, message.general->start);
  EXPECT_EQ(swapped.general->end, message.general->end);
  EXPECT_EQ(swapped.general->counter, message.general->counter);
}

TEST(SeiMessage, TimesAtTheEndsOfTheRange) {
  auto draft = draft_of(codec::Codec::h264, true);
  draft.general->start = from_unix_seconds(-11'644'473'600);  // 1601
  draft.general->end = Timestamp::max() - std::chrono::hours(24 * 135'000);
  const auto unit = SeiWriter::create(draft, 72).value().finish(Bytes(70, 0x55)).value();
  const auto message = read_sei_message(codec::Codec::h264, unit).value();
  EXPECT_EQ(to_iso8601(*message.general->start), "1601-01-01T00:00:00Z");
  EXPECT_EQ(message.general->end, draft.general->end);
}

}  // namespace
}  // namespace camvault::signed_video

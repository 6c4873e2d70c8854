#include "camvault/keystore_se05x/t1_frame.h"

#include <gtest/gtest.h>

namespace camvault::keystore_se05x {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

// Frames as a logic analyser saw them between NXP's host and an SE050.
TEST(T1Frame, IsThatOfRealHardware) {
  EXPECT_EQ(to_hex(encode_t1_frame(T1Sender::host, T1Block::make_request(T1Supervisory::interface_reset))),
            "5acf00377f");
  EXPECT_EQ(to_hex(encode_t1_frame(T1Sender::element, T1Block::make_ready(false, T1Error::other))),
            "a58200da4f");
  EXPECT_EQ(to_hex(encode_t1_frame(T1Sender::host, T1Block::make_request(T1Supervisory::resynch))),
            "5ac000fffc");
  const auto block = decode_t1_frame(T1Sender::host, hex("5acf00377f"));
  ASSERT_TRUE(block);
  EXPECT_EQ(*block, T1Block::make_request(T1Supervisory::interface_reset));
}

TEST(T1Frame, CrcIsThatOfItsCatalogue) {
  EXPECT_EQ(t1_crc(as_bytes("123456789")), 0x906E);  // CRC-16/IBM-SDLC, also called X-25
  EXPECT_EQ(t1_crc({}), 0x0000);
}

TEST(T1Frame, EveryBlockComesBack) {
  const Bytes most(kT1MaxInf, 0x5A);
  const T1Block blocks[] = {T1Block::make_information(false, false, {}),
                            T1Block::make_information(true, true, most),
                            T1Block::make_ready(true, T1Error::crc),
                            T1Block::make_ready(false, T1Error::none),
                            T1Block::make_request(T1Supervisory::waiting_time, hex("01")),
                            T1Block::make_response(T1Supervisory::answer_to_reset, hex("00a0"))};
  for (const auto& block : blocks) {
    for (const auto from : {T1Sender::host, T1Sender::element}) {
      const auto frame = encode_t1_frame(from, block);
      ASSERT_LE(frame.size(), kT1MaxFrame);
      const auto back = decode_t1_frame(from, frame);
      ASSERT_TRUE(back) << to_hex(frame);
      EXPECT_EQ(*back, block);
      const auto other = from == T1Sender::host ? T1Sender::element : T1Sender::host;
      EXPECT_EQ(decode_t1_frame(other, frame).error().code, Errc::malformed);
    }
  }
}

TEST(T1Frame, AnyFlippedBitIsNoticed) {
  const auto frame = encode_t1_frame(T1Sender::element, T1Block::make_information(true, false, hex("9000")));
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    auto changed = frame;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(decode_t1_frame(T1Sender::element, changed)) << bit;
  }
}

TEST(T1Frame, RefusesOtherLengthsAndReservedBits) {
  const auto frame = encode_t1_frame(T1Sender::element, T1Block::make_information(true, false, hex("9000")));
  for (std::size_t size = 0; size < frame.size(); ++size) {
    EXPECT_EQ(decode_t1_frame(T1Sender::element, BytesView(frame).first(size)).error().code, Errc::malformed);
  }
  auto longer = frame;
  longer.push_back(0xFF);
  EXPECT_EQ(decode_t1_frame(T1Sender::element, longer).error().code, Errc::malformed);
  const auto with_pcb = [](std::uint8_t pcb, std::string_view information) {
    Bytes out = {0xA5, pcb, static_cast<std::uint8_t>(information.size() / 2)};
    append(out, from_hex(information).value());
    const auto crc = t1_crc(out);
    out.push_back(static_cast<std::uint8_t>(crc & 0xFF));
    out.push_back(static_cast<std::uint8_t>(crc >> 8));
    return out;
  };
  EXPECT_TRUE(decode_t1_frame(T1Sender::element, with_pcb(0x80, "")));
  for (const auto pcb : {0x01, 0x1F, 0xA0, 0x84, 0x88, 0xC4, 0xDE, 0xFE}) {
    EXPECT_EQ(decode_t1_frame(T1Sender::element, with_pcb(static_cast<std::uint8_t>(pcb), "")).error().code,
              Errc::malformed)
        << pcb;
  }
  EXPECT_EQ(decode_t1_frame(T1Sender::element, with_pcb(0x80, "00")).error().code, Errc::malformed);
  // LEN of 255 would not fit UM11225's 254 bytes.
  EXPECT_EQ(decode_t1_frame(T1Sender::element, with_pcb(0x00, std::string(510, '0'))).error().code,
            Errc::malformed);
}

}  // namespace
}  // namespace camvault::keystore_se05x

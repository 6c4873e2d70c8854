#include "camvault/keystore_se05x/t1_frame.h"

#include "camvault/base/byte_reader.h"

namespace camvault::keystore_se05x {

namespace {
// Protocol control byte, ISO/IEC 7816-3 11.3.2.2.
constexpr std::uint8_t kNumber = 0x40;  // of an information block
constexpr std::uint8_t kMore = 0x20;
constexpr std::uint8_t kReady = 0x80;
constexpr std::uint8_t kExpected = 0x10;
constexpr std::uint8_t kRequest = 0xC0;
constexpr std::uint8_t kResponse = 0xE0;

bool is_known(std::uint8_t what) {
  switch (static_cast<T1Supervisory>(what)) {
    case T1Supervisory::resynch:
    case T1Supervisory::information_size:
    case T1Supervisory::abort:
    case T1Supervisory::waiting_time:
    case T1Supervisory::end_of_apdu:
    case T1Supervisory::chip_reset:
    case T1Supervisory::answer_to_reset:
    case T1Supervisory::interface_reset:
    case T1Supervisory::deep_power_down:
      return true;
  }
  return false;
}

std::uint8_t control_byte(const T1Block& block) {
  switch (block.kind) {
    case T1Block::Kind::information:
      return static_cast<std::uint8_t>((block.sequence ? kNumber : 0) | (block.more ? kMore : 0));
    case T1Block::Kind::receive_ready:
      return static_cast<std::uint8_t>(kReady | (block.sequence ? kExpected : 0) |
                                       static_cast<std::uint8_t>(block.error));
    case T1Block::Kind::request:
      return static_cast<std::uint8_t>(kRequest | static_cast<std::uint8_t>(block.what));
    case T1Block::Kind::response:
      break;
  }
  return static_cast<std::uint8_t>(kResponse | static_cast<std::uint8_t>(block.what));
}

Result<T1Block> from_control_byte(std::uint8_t pcb) {
  T1Block block;
  if ((pcb & 0x80) == 0) {
    if ((pcb & 0x1F) != 0) return fail(Errc::malformed, "T=1: reserved bits in an information block");
    block.sequence = (pcb & kNumber) != 0;
    block.more = (pcb & kMore) != 0;
    return block;
  }
  if ((pcb & 0xC0) == kReady) {
    if ((pcb & 0x2C) != 0) return fail(Errc::malformed, "T=1: reserved bits in a ready block");
    block.kind = T1Block::Kind::receive_ready;
    block.sequence = (pcb & kExpected) != 0;
    block.error = static_cast<T1Error>(pcb & 0x03);
    return block;
  }
  const auto what = static_cast<std::uint8_t>(pcb & 0x1F);
  if (!is_known(what)) return fail(Errc::malformed, "T=1: unknown supervisory block");
  block.kind = (pcb & 0x20) == 0 ? T1Block::Kind::request : T1Block::Kind::response;
  block.what = static_cast<T1Supervisory>(what);
  return block;
}
}  // namespace

T1Block T1Block::make_information(bool sequence, bool more, BytesView information) {
  T1Block block;
  block.sequence = sequence;
  block.more = more;
  block.information = to_bytes(information);
  return block;
}

T1Block T1Block::make_ready(bool expected, T1Error error) {
  T1Block block;
  block.kind = Kind::receive_ready;
  block.sequence = expected;
  block.error = error;
  return block;
}

T1Block T1Block::make_request(T1Supervisory what, BytesView information) {
  T1Block block;
  block.kind = Kind::request;
  block.what = what;
  block.information = to_bytes(information);
  return block;
}

T1Block T1Block::make_response(T1Supervisory what, BytesView information) {
  auto block = make_request(what, information);
  block.kind = Kind::response;
  return block;
}

// CRC-16/X-25: polynomial 1021 reflected, all ones before and after.
std::uint16_t t1_crc(BytesView bytes) {
  std::uint16_t crc = 0xFFFF;
  for (const auto byte : bytes) {
    crc = static_cast<std::uint16_t>(crc ^ byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<std::uint16_t>((crc & 1) != 0 ? crc >> 1 ^ 0x8408 : crc >> 1);
    }
  }
  return static_cast<std::uint16_t>(crc ^ 0xFFFF);
}

Bytes encode_t1_frame(T1Sender from, const T1Block& block) {
  Bytes out = {static_cast<std::uint8_t>(from), control_byte(block),
               static_cast<std::uint8_t>(block.information.size())};
  append(out, block.information);
  const auto crc = t1_crc(out);
  out.push_back(static_cast<std::uint8_t>(crc & 0xFF));
  out.push_back(static_cast<std::uint8_t>(crc >> 8));
  return out;
}

Result<T1Block> decode_t1_frame(T1Sender from, BytesView frame) {
  ByteReader in(frame);
  CAM_TRY(const auto node, in.u8());
  CAM_TRY(const auto pcb, in.u8());
  CAM_TRY(const auto size, in.u8());
  if (size > kT1MaxInf) return fail(Errc::malformed, "T=1: block longer than 254 bytes");
  CAM_TRY(const auto information, in.take(size));
  CAM_TRY(const auto low, in.u8());
  CAM_TRY(const auto high, in.u8());
  CAM_TRY_STATUS(in.finish());
  if (t1_crc(frame.first(kT1Head + size)) != (low | high << 8)) return fail(Errc::invalid, "T=1: wrong CRC");
  if (node != static_cast<std::uint8_t>(from)) return fail(Errc::malformed, "T=1: wrong node address");
  CAM_TRY(auto block, from_control_byte(pcb));
  if (block.kind == T1Block::Kind::receive_ready && size != 0)
    return fail(Errc::malformed, "T=1: a ready block carries nothing");
  block.information = to_bytes(information);
  return block;
}

}  // namespace camvault::keystore_se05x

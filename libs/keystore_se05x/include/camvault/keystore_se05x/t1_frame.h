// Frames of T=1 over I2C in the flavour of NXP UM11225 (after ISO/IEC 7816-3, 11): NAD PCB LEN INF CRC. Used
// by the host's side and by the simulator.
#pragma once

#include "camvault/base/bytes.h"

namespace camvault::keystore_se05x {

inline constexpr std::size_t kT1Head = 3;      // NAD PCB LEN
inline constexpr std::size_t kT1Crc = 2;       // CRC-16/X-25, low byte first
inline constexpr std::size_t kT1MaxInf = 254;  // UM11225: IFSC and IFSD
inline constexpr std::size_t kT1MaxFrame = kT1Head + kT1MaxInf + kT1Crc;
inline constexpr std::size_t kT1FilledRead =
    260;  // hosts may read that much at once: what follows a frame is FF

// The node address byte says who sends.
enum class T1Sender : std::uint8_t { host = 0x5A, element = 0xA5 };

// Supervisory blocks; a response is the request with bit 5 set.
enum class T1Supervisory : std::uint8_t {
  resynch = 0x00,
  information_size = 0x01,
  abort = 0x02,
  waiting_time = 0x03,
  end_of_apdu = 0x05,
  chip_reset = 0x06,
  answer_to_reset = 0x07,
  interface_reset = 0x0F,
  deep_power_down = 0x1F,
};

enum class T1Error : std::uint8_t { none = 0, crc = 1, other = 2, start_missed = 3 };

struct T1Block {
  enum class Kind : std::uint8_t { information, receive_ready, request, response };
  Kind kind = Kind::information;
  bool sequence = false;          // information: its number; receive_ready: the number that is expected
  bool more = false;              // information: another one follows
  T1Error error = T1Error::none;  // receive_ready
  T1Supervisory what = T1Supervisory::resynch;  // request, response
  Bytes information;

  static T1Block make_information(bool sequence, bool more, BytesView information);
  static T1Block make_ready(bool expected, T1Error error);
  static T1Block make_request(T1Supervisory what, BytesView information = {});
  static T1Block make_response(T1Supervisory what, BytesView information = {});
  friend bool operator==(const T1Block&, const T1Block&) = default;
};

std::uint16_t t1_crc(BytesView bytes);
Bytes encode_t1_frame(T1Sender from, const T1Block& block);  // information of at most kT1MaxInf bytes

// Exactly one frame. Errc::invalid if the CRC is wrong, Errc::malformed for everything else.
Result<T1Block> decode_t1_frame(T1Sender from, BytesView frame);

}  // namespace camvault::keystore_se05x

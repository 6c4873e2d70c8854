// Commands and answers of ISO/IEC 7816-4 as the applet takes them: short and extended lengths.
#pragma once

#include "camvault/base/bytes.h"

namespace camvault::keystore_se05x {

inline constexpr std::size_t kMaxCommandData = 1280;  // the applet's 1024 bytes of payload, wrapped twice
inline constexpr std::size_t kMaxResponseData = 1280;

struct CommandApdu {
  std::uint8_t cla = 0x80;
  std::uint8_t ins = 0;
  std::uint8_t p1 = 0;
  std::uint8_t p2 = 0;
  Bytes data;
  bool extended = false;  // three bytes of length even where one would do
  bool expects = false;   // a length of expected data (Le) at the end

  Bytes header() const { return {cla, ins, p1, p2}; }
  // The length field as it is sent for `size` bytes of data: one byte, or three.
  Bytes length_field(std::size_t size) const;
  friend bool operator==(const CommandApdu&, const CommandApdu&) = default;
};

// Data of at most kMaxCommandData bytes.
Bytes encode_command(const CommandApdu& command);
// Errc::malformed if lengths and bytes do not agree.
Result<CommandApdu> decode_command(BytesView bytes);

struct ResponseApdu {
  Bytes data;
  std::uint16_t status = 0;
  bool good() const { return status == 0x9000; }
  friend bool operator==(const ResponseApdu&, const ResponseApdu&) = default;
};

Bytes encode_response(const ResponseApdu& response);
Result<ResponseApdu> decode_response(BytesView bytes);

}  // namespace camvault::keystore_se05x

#include "camvault/keystore_se05x/apdu.h"

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"

namespace camvault::keystore_se05x {

namespace {
constexpr std::size_t kMaxShort = 255;
}  // namespace

Bytes CommandApdu::length_field(std::size_t size) const {
  if (extended || size > kMaxShort)
    return {0, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size & 0xFF)};
  return {static_cast<std::uint8_t>(size)};
}

// ISO/IEC 7816-4, 5.2: Le is as long as Lc, but three bytes long where there is no Lc.
Bytes encode_command(const CommandApdu& command) {
  auto out = command.header();
  const bool is_long = command.extended || command.data.size() > kMaxShort;
  if (!command.data.empty()) {
    append(out, command.length_field(command.data.size()));
    append(out, command.data);
  }
  if (command.expects) {
    const auto size = !is_long ? 1 : command.data.empty() ? 3 : 2;
    out.insert(out.end(), static_cast<std::size_t>(size), std::uint8_t{0});
  }
  return out;
}

Result<CommandApdu> decode_command(BytesView bytes) {
  ByteReader in(bytes);
  CommandApdu out;
  CAM_TRY(out.cla, in.u8());
  CAM_TRY(out.ins, in.u8());
  CAM_TRY(out.p1, in.u8());
  CAM_TRY(out.p2, in.u8());
  if (in.at_end()) return out;
  CAM_TRY(const auto first, in.u8());
  if (in.at_end()) {  // Le alone
    if (first != 0)
      return fail(Errc::malformed, "a command asks for a number of bytes that no command needs");
    out.expects = true;
    return out;
  }
  std::size_t size = first;
  if (first == 0) {
    CAM_TRY(const auto more, in.u16());
    out.extended = true;
    size = more;
    if (size == 0) {  // extended Le alone
      out.expects = true;
      CAM_TRY_STATUS(in.finish());
      return out;
    }
  }
  if (size > kMaxCommandData) return fail(Errc::limit, "command longer than the applet takes");
  CAM_TRY(const auto data, in.take(size));
  out.data = to_bytes(data);
  if (in.at_end()) return out;
  out.expects = true;
  const auto le = in.rest();
  if (le.size() != (out.extended ? 2U : 1U)) return fail(Errc::malformed, "bytes after a command");
  for (const auto byte : le) {
    if (byte != 0) return fail(Errc::malformed, "a command asks for a number of bytes that no command needs");
  }
  return out;
}

Bytes encode_response(const ResponseApdu& response) {
  Bytes out = response.data;
  out.push_back(static_cast<std::uint8_t>(response.status >> 8));
  out.push_back(static_cast<std::uint8_t>(response.status & 0xFF));
  return out;
}

Result<ResponseApdu> decode_response(BytesView bytes) {
  if (bytes.size() < 2) return fail(Errc::malformed, "answer without a status");
  if (bytes.size() > kMaxResponseData + 2) return fail(Errc::limit, "answer longer than the applet gives");
  const auto data = bytes.first(bytes.size() - 2);
  const auto status = bytes.last(2);
  return ResponseApdu{to_bytes(data), static_cast<std::uint16_t>(status[0] << 8 | status[1])};
}

}  // namespace camvault::keystore_se05x

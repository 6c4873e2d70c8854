// The applet's fields: one byte of tag, a BER length of one to three bytes, the value (AN12413, 3.2).
#pragma once

#include <optional>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"

namespace camvault::keystore_se05x {

inline constexpr std::size_t kMaxTlvValue = 0xFFFF;

struct Tlv {
  std::uint8_t tag = 0;
  BytesView value;
  BytesView raw;  // tag, length and value as they came
};

// A reader of fields in the order of the command. Views into the input.
class TlvReader {
 public:
  explicit TlvReader(BytesView data) : in_(data) {}
  bool at_end() const { return in_.at_end(); }
  Result<Tlv> next();
  // The field at this place must have this tag.
  Result<BytesView> need(std::uint8_t tag);
  Result<std::uint8_t> need_u8(std::uint8_t tag);
  Result<std::uint16_t> need_u16(std::uint8_t tag);
  Result<std::uint32_t> need_u32(std::uint8_t tag);
  // Nothing, and nothing read, if the next field has another tag or there is none.
  Result<std::optional<BytesView>> maybe(std::uint8_t tag);
  Result<std::optional<std::uint8_t>> maybe_u8(std::uint8_t tag);
  Result<std::optional<std::uint16_t>> maybe_u16(std::uint8_t tag);
  Result<std::optional<std::uint32_t>> maybe_u32(std::uint8_t tag);
  Status finish() const { return in_.finish(); }

 private:
  ByteReader in_;
};

// How the length is written: the shortest form, or always three bytes (attested answers of applets 7.x).
enum class TlvLength : std::uint8_t { shortest, three_bytes };

class TlvWriter {
 public:
  explicit TlvWriter(TlvLength length = TlvLength::shortest) : length_(length) {}
  TlvWriter& put(std::uint8_t tag, BytesView value);  // at most kMaxTlvValue bytes
  TlvWriter& u8(std::uint8_t tag, std::uint8_t value);
  TlvWriter& u16(std::uint8_t tag, std::uint16_t value);
  TlvWriter& u32(std::uint8_t tag, std::uint32_t value);
  BytesView view() const { return out_.view(); }
  Bytes take() { return out_.take(); }

 private:
  TlvLength length_;
  ByteWriter out_;
};

}  // namespace camvault::keystore_se05x

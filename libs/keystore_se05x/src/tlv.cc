#include "camvault/keystore_se05x/tlv.h"

namespace camvault::keystore_se05x {

namespace {
Result<std::size_t> read_length(ByteReader& in) {
  CAM_TRY(const auto first, in.u8());
  if (first < 0x80) return std::size_t{first};
  if (first == 0x81) {
    CAM_TRY(const auto size, in.u8());
    return std::size_t{size};
  }
  if (first == 0x82) {
    CAM_TRY(const auto size, in.u16());
    return std::size_t{size};
  }
  return fail(Errc::malformed, "field with a length of another form");
}

template <class T>
Result<T> fixed(Result<BytesView> value) {
  if (!value) return tl::unexpected(std::move(value).error());
  if (value->size() != sizeof(T)) return fail(Errc::malformed, "number of another size");
  T number = 0;
  for (const auto byte : *value) number = static_cast<T>(static_cast<std::uint64_t>(number) << 8 | byte);
  return number;
}

template <class T>
Result<std::optional<T>> maybe_fixed(Result<std::optional<BytesView>> value) {
  if (!value) return tl::unexpected(std::move(value).error());
  if (!value->has_value()) return std::optional<T>{};
  CAM_TRY(const auto number, fixed<T>(**value));
  return std::optional<T>(number);
}
}  // namespace

Result<Tlv> TlvReader::next() {
  auto before = in_;
  const auto start = in_.position();
  CAM_TRY(const auto tag, in_.u8());
  CAM_TRY(const auto size, read_length(in_));
  CAM_TRY(const auto value, in_.take(size));
  CAM_TRY(const auto raw, before.take(in_.position() - start));
  return Tlv{tag, value, raw};
}

Result<BytesView> TlvReader::need(std::uint8_t tag) {
  CAM_TRY(const auto field, next());
  if (field.tag != tag) return fail(Errc::malformed, "another field than the command needs");
  return field.value;
}

Result<std::optional<BytesView>> TlvReader::maybe(std::uint8_t tag) {
  auto ahead = in_;
  if (const auto found = ahead.u8(); !found || *found != tag) return std::optional<BytesView>{};
  CAM_TRY(const auto value, need(tag));
  return std::optional<BytesView>(value);
}

Result<std::uint8_t> TlvReader::need_u8(std::uint8_t tag) {
  return fixed<std::uint8_t>(need(tag));
}
Result<std::uint16_t> TlvReader::need_u16(std::uint8_t tag) {
  return fixed<std::uint16_t>(need(tag));
}
Result<std::uint32_t> TlvReader::need_u32(std::uint8_t tag) {
  return fixed<std::uint32_t>(need(tag));
}
Result<std::optional<std::uint8_t>> TlvReader::maybe_u8(std::uint8_t tag) {
  return maybe_fixed<std::uint8_t>(maybe(tag));
}
Result<std::optional<std::uint16_t>> TlvReader::maybe_u16(std::uint8_t tag) {
  return maybe_fixed<std::uint16_t>(maybe(tag));
}
Result<std::optional<std::uint32_t>> TlvReader::maybe_u32(std::uint8_t tag) {
  return maybe_fixed<std::uint32_t>(maybe(tag));
}

TlvWriter& TlvWriter::put(std::uint8_t tag, BytesView value) {
  const auto size = value.size();
  out_.u8(tag);
  if (length_ == TlvLength::three_bytes || size > 0xFF) {
    out_.u8(0x82);
    out_.u16(static_cast<std::uint16_t>(size));
  } else if (size > 0x7F) {
    out_.u8(0x81);
    out_.u8(static_cast<std::uint8_t>(size));
  } else {
    out_.u8(static_cast<std::uint8_t>(size));
  }
  out_.raw(value);
  return *this;
}

TlvWriter& TlvWriter::u8(std::uint8_t tag, std::uint8_t value) {
  return put(tag, BytesView(&value, 1));
}

TlvWriter& TlvWriter::u16(std::uint8_t tag, std::uint16_t value) {
  ByteWriter number;
  number.u16(value);
  return put(tag, number.view());
}

TlvWriter& TlvWriter::u32(std::uint8_t tag, std::uint32_t value) {
  ByteWriter number;
  number.u32(value);
  return put(tag, number.view());
}

}  // namespace camvault::keystore_se05x

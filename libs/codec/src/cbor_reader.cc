#include <limits>

#include "camvault/codec/cbor.h"
#include "cbor_form.h"

namespace camvault::codec {

namespace {

constexpr auto kInt64Max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

CborType type_of(const cbor::Head& head) {
  switch (head.major) {
    case cbor::kUnsigned:
      return CborType::unsigned_integer;
    case cbor::kNegative:
      return CborType::negative_integer;
    case cbor::kBytes:
      return CborType::bytes;
    case cbor::kText:
      return CborType::text;
    case cbor::kArray:
      return CborType::array;
    case cbor::kMap:
      return CborType::map;
    default:
      return head.argument == cbor::kNull ? CborType::null : CborType::boolean;
  }
}

tl::unexpected<Error> another_type() {
  return fail(Errc::malformed, "CBOR: another type or the end where a value belongs");
}

}  // namespace

Result<CborReader> CborReader::open(BytesView input) {
  CAM_TRY_STATUS(cbor::check(input));
  return CborReader(input, 1);
}

CborType CborReader::type() const {
  if (items_ == 0) return CborType::end;
  const auto head = cbor::read_head(rest_);
  return head ? type_of(*head) : CborType::end;
}

Result<std::uint64_t> CborReader::unsigned_integer() {
  if (type() != CborType::unsigned_integer) return another_type();
  CAM_TRY(const auto head, cbor::read_head(rest_));
  rest_ = rest_.subspan(head.size);
  --items_;
  return head.argument;
}

Result<std::int64_t> CborReader::integer() {
  const auto next = type();
  if (next != CborType::unsigned_integer && next != CborType::negative_integer) return another_type();
  CAM_TRY(const auto head, cbor::read_head(rest_));
  if (head.argument > kInt64Max) return fail(Errc::malformed, "CBOR: an integer beyond 64 bits with sign");
  rest_ = rest_.subspan(head.size);
  --items_;
  const auto value = static_cast<std::int64_t>(head.argument);
  return next == CborType::unsigned_integer ? value : -1 - value;
}

Result<bool> CborReader::boolean() {
  if (type() != CborType::boolean) return another_type();
  CAM_TRY(const auto head, cbor::read_head(rest_));
  rest_ = rest_.subspan(head.size);
  --items_;
  return head.argument == cbor::kTrue;
}

Status CborReader::null() {
  if (type() != CborType::null) return another_type();
  rest_ = rest_.subspan(1);
  --items_;
  return ok();
}

Result<BytesView> CborReader::bytes() {
  if (type() != CborType::bytes) return another_type();
  CAM_TRY(const auto head, cbor::read_head(rest_));
  const auto content = rest_.subspan(head.size, static_cast<std::size_t>(head.argument));
  rest_ = rest_.subspan(head.size + content.size());
  --items_;
  return content;
}

Result<std::string_view> CborReader::text() {
  if (type() != CborType::text) return another_type();
  CAM_TRY(const auto head, cbor::read_head(rest_));
  const auto content = rest_.subspan(head.size, static_cast<std::size_t>(head.argument));
  rest_ = rest_.subspan(head.size + content.size());
  --items_;
  return as_text(content);
}

Result<CborReader> CborReader::container(CborType wanted, std::size_t items_each) {
  if (type() != wanted) return another_type();
  CAM_TRY(const auto head, cbor::read_head(rest_));
  const auto size = cbor::item_size(rest_);
  const CborReader inner(rest_.subspan(head.size, size - head.size),
                         static_cast<std::size_t>(head.argument) * items_each);
  rest_ = rest_.subspan(size);
  --items_;
  return inner;
}

Result<CborReader> CborReader::array() {
  return container(CborType::array, 1);
}
Result<CborReader> CborReader::map() {
  return container(CborType::map, 2);
}

bool CborReader::at_key(std::int64_t key) {
  auto ahead = *this;
  const auto found = ahead.integer();
  if (!found || *found != key) return false;
  *this = ahead;
  return true;
}

bool CborReader::at_key(std::string_view key) {
  auto ahead = *this;
  const auto found = ahead.text();
  if (!found || *found != key) return false;
  *this = ahead;
  return true;
}

Status CborReader::key(std::int64_t key) {
  if (!at_key(key))
    return fail(Errc::malformed,
                "CBOR: key " + std::to_string(key) + " is missing or preceded by an unknown key");
  return ok();
}

Status CborReader::key(std::string_view key) {
  if (!at_key(key))
    return fail(Errc::malformed,
                "CBOR: key " + std::string(key) + " is missing or preceded by an unknown key");
  return ok();
}

namespace {
template <class T>
Result<T> read_under(CborReader& in, std::int64_t key, Result<T> (CborReader::*read)()) {
  auto ahead = in;  // refused as a whole
  CAM_TRY_STATUS(ahead.key(key));
  CAM_TRY(const auto value, (ahead.*read)());
  in = ahead;
  return value;
}
}  // namespace

Result<std::uint64_t> CborReader::unsigned_integer(std::int64_t under) {
  return read_under<std::uint64_t>(*this, under, &CborReader::unsigned_integer);
}
Result<bool> CborReader::boolean(std::int64_t under) {
  return read_under<bool>(*this, under, &CborReader::boolean);
}
Result<BytesView> CborReader::bytes(std::int64_t under) {
  return read_under<BytesView>(*this, under, &CborReader::bytes);
}
Result<std::string_view> CborReader::text(std::int64_t under) {
  return read_under<std::string_view>(*this, under, &CborReader::text);
}

Result<BytesView> CborReader::raw_item() {
  if (items_ == 0) return another_type();
  const auto item = rest_.first(cbor::item_size(rest_));
  rest_ = rest_.subspan(item.size());
  --items_;
  return item;
}

Status CborReader::finish() const {
  if (items_ != 0) return fail(Errc::malformed, "CBOR: unknown or surplus items");
  return ok();
}

}  // namespace camvault::codec

#include <algorithm>

#include "camvault/codec/cbor.h"
#include "cbor_form.h"

namespace camvault::codec {

namespace {

Bytes encode_head(std::uint8_t major, std::uint64_t argument) {
  const auto initial = [major](unsigned info) {
    return static_cast<std::uint8_t>(unsigned{major} << 5 | info);
  };
  if (argument < 24) return {initial(static_cast<unsigned>(argument))};
  const unsigned width = argument <= 0xff ? 1 : argument <= 0xffff ? 2 : argument <= 0xffff'ffff ? 4 : 8;
  Bytes out{initial(width == 1 ? 24 : width == 2 ? 25 : width == 4 ? 26 : 27)};
  for (unsigned i = width; i-- > 0;) out.push_back(static_cast<std::uint8_t>(argument >> (8 * i)));
  return out;
}

}  // namespace

void CborWriter::begin_item() {
  if (open_.empty()) {
    ++top_items_;
  } else {
    open_.back().items.push_back(out_.size());
  }
}

void CborWriter::head(std::uint8_t major, std::uint64_t argument) {
  begin_item();
  append(out_, encode_head(major, argument));
}

void CborWriter::unsigned_integer(std::uint64_t value) {
  head(cbor::kUnsigned, value);
}

void CborWriter::integer(std::int64_t value) {
  if (value >= 0) return head(cbor::kUnsigned, static_cast<std::uint64_t>(value));
  head(cbor::kNegative, static_cast<std::uint64_t>(-1 - value));
}

void CborWriter::boolean(bool value) {
  head(cbor::kSimple, value ? cbor::kTrue : cbor::kFalse);
}
void CborWriter::null() {
  head(cbor::kSimple, cbor::kNull);
}

void CborWriter::bytes(BytesView value) {
  head(cbor::kBytes, value.size());
  append(out_, value);
}

void CborWriter::text(std::string_view value) {
  head(cbor::kText, value.size());
  append(out_, as_bytes(value));
}

void CborWriter::raw_item(BytesView encoded) {
  begin_item();
  append(out_, encoded);
}

void CborWriter::begin(bool is_map) {
  begin_item();
  open_.push_back({is_map, out_.size(), {}});
}

void CborWriter::begin_array() {
  begin(false);
}
void CborWriter::begin_map() {
  begin(true);
}

void CborWriter::end() {
  if (open_.empty()) {
    broken_ = true;
    return;
  }
  const auto level = std::move(open_.back());
  open_.pop_back();
  if (!level.is_map) {
    const auto head = encode_head(cbor::kArray, level.items.size());
    out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(level.begin), head.begin(), head.end());
    return;
  }
  if (level.items.size() % 2 != 0) {
    broken_ = true;
    return;
  }
  const BytesView content = BytesView(out_).subspan(level.begin);
  struct Entry {
    BytesView key, whole;
  };
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < level.items.size(); i += 2) {
    const auto begin = level.items[i] - level.begin;
    const auto value = level.items[i + 1] - level.begin;
    const auto end = i + 2 < level.items.size() ? level.items[i + 2] - level.begin : content.size();
    entries.push_back({content.subspan(begin, value - begin), content.subspan(begin, end - begin)});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::lexicographical_compare(a.key.begin(), a.key.end(), b.key.begin(), b.key.end());
  });
  auto sorted = encode_head(cbor::kMap, entries.size());
  for (const auto& entry : entries) append(sorted, entry.whole);
  out_.resize(level.begin);
  append(out_, sorted);
}

Result<Bytes> CborWriter::take() {
  if (broken_ || !open_.empty() || top_items_ != 1)
    return fail(Errc::internal, "CBOR: items left open or left out");
  const auto checked = cbor::check(out_);
  if (!checked) return fail(Errc::internal, "written " + checked.error().what);
  return std::move(out_);
}

}  // namespace camvault::codec

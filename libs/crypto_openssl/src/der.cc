#include "der.h"

#include <algorithm>
#include <charconv>

namespace camvault::crypto_openssl::der {

namespace {
const Timestamp kFirst = from_unix_seconds(-631'152'000);        // 1950
const Timestamp kPastLast = from_unix_seconds(253'402'300'800);  // 10000
}  // namespace

Bytes element(std::uint8_t tag, BytesView content) {
  Bytes out{tag};
  const auto size = content.size();
  if (size < 0x80) {
    out.push_back(static_cast<std::uint8_t>(size));
  } else {
    int count = 1;
    while ((size >> (8 * count)) != 0) ++count;
    out.push_back(static_cast<std::uint8_t>(0x80 | count));
    for (int i = count - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
  }
  append(out, content);
  return out;
}

Bytes concat(std::initializer_list<BytesView> parts) {
  Bytes out;
  for (const auto part : parts) append(out, part);
  return out;
}

Bytes sequence(std::initializer_list<BytesView> parts) {
  return element(0x30, concat(parts));
}
Bytes set(BytesView only_member) {
  return element(0x31, only_member);
}
Bytes explicit_tag(unsigned number, BytesView inner) {
  return element(static_cast<std::uint8_t>(0xa0 | number), inner);
}

Bytes integer(BytesView big_endian_unsigned) {
  auto digits = big_endian_unsigned;
  while (digits.size() > 1 && digits[0] == 0) digits = digits.subspan(1);
  Bytes content;
  if (digits.empty() || (digits[0] & 0x80) != 0) content.push_back(0);
  append(content, digits);
  return element(0x02, content);
}

Bytes integer(std::uint64_t value) {
  Bytes digits;
  for (int shift = 56; shift >= 0; shift -= 8) digits.push_back(static_cast<std::uint8_t>(value >> shift));
  return integer(BytesView(digits));
}

Bytes boolean_true() {
  return {0x01, 0x01, 0xff};
}
Bytes null() {
  return {0x05, 0x00};
}
Bytes octet_string(BytesView content) {
  return element(0x04, content);
}

Bytes bit_string(BytesView whole_bytes) {
  Bytes content{0};
  append(content, whole_bytes);
  return element(0x03, content);
}

Bytes named_bits(std::uint16_t set_of_bits) {
  const unsigned bits = set_of_bits;
  Bytes content{0};
  unsigned used = 0;
  for (unsigned i = 0; i < 16; ++i) {
    if ((bits >> i & 1u) != 0) used = i + 1;
  }
  content.resize(1 + (used + 7) / 8);
  for (unsigned i = 0; i < used; ++i) {
    if ((bits >> i & 1u) == 0) continue;
    content[1 + i / 8] = static_cast<std::uint8_t>(content[1 + i / 8] | (0x80u >> (i % 8)));
  }
  content[0] = static_cast<std::uint8_t>((8 - used % 8) % 8);
  return element(0x03, content);
}

Bytes utf8_string(std::string_view text) {
  return element(0x0c, as_bytes(text));
}
Bytes printable_string(std::string_view text) {
  return element(0x13, as_bytes(text));
}

Result<Bytes> object_identifier(std::string_view dotted) {
  const auto bad = [] { return fail(Errc::usage, "not an object identifier such as 1.3.6.1.4.1.99999"); };
  std::vector<std::uint32_t> arcs;
  const char* at = dotted.data();
  const char* const end = at + dotted.size();
  for (;;) {
    std::uint32_t arc = 0;
    const auto [next, error] = std::from_chars(at, end, arc);
    if (error != std::errc() || arcs.size() == 32) return bad();
    arcs.push_back(arc);
    if (next == end) break;
    if (*next != '.') return bad();
    at = next + 1;
  }
  if (arcs.size() < 2 || arcs[0] > 2 || (arcs[0] < 2 && arcs[1] > 39) || arcs[1] > 0xffff) return bad();
  arcs[1] += arcs[0] * 40;  // X.690 8.19.4: the first two share a number
  Bytes content;
  for (std::size_t i = 1; i < arcs.size(); ++i) {
    int groups = 1;
    while (groups < 5 && (arcs[i] >> (7 * groups)) != 0) ++groups;
    for (int g = groups - 1; g >= 0; --g) {
      content.push_back(static_cast<std::uint8_t>((arcs[i] >> (7 * g) & 0x7f) | (g > 0 ? 0x80u : 0u)));
    }
  }
  return element(0x06, content);
}

namespace {
Result<std::string> digits_of(Timestamp value) {  // "20261121100000Z"
  if (value < kFirst || value >= kPastLast) {
    return fail(Errc::usage, "certificate time outside the years 1950 to 9999");
  }
  const auto text = to_iso8601(from_unix_seconds(to_unix_seconds(value)));  // "2026-11-21T10:00:00Z"
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return c >= '0' && c <= '9'; });
  digits += 'Z';
  return digits;
}
}  // namespace

Result<Bytes> time(Timestamp value) {
  CAM_TRY(const auto digits, digits_of(value));
  if (digits < "2050") return element(0x17, as_bytes(std::string_view(digits).substr(2)));
  return element(0x18, as_bytes(digits));
}

Result<Bytes> generalized_time(Timestamp value) {
  CAM_TRY(const auto digits, digits_of(value));
  return element(0x18, as_bytes(digits));
}

}  // namespace camvault::crypto_openssl::der
